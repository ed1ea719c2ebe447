"""The dashboard: one page for each question, drawn by Streamlit from the published copy."""
