"""Others' questions, asked and scored."""
