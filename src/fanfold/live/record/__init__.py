"""What a deployment took in and did, as Parquet."""
