"""One folder per Lambda function: read the event, call one thing in shared, translate the outcome."""
