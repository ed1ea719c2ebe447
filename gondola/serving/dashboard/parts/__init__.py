"""What pages are made of: header, states, filters, figures, tables and charts."""
