"""Quality documents: one layout for all of them, in HTML, PDF and data; what stands on each is told by `seewhy.agent.documents`."""
