"""Read tables from text and Parquet files."""
