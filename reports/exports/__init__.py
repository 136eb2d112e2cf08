"""An inspection as the objects of other projects: supervision, COCO, pandas, Arrow, matplotlib, a notebook's HTML."""
