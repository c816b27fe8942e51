"""The CDK app: what runs on AWS, and how its code gets there. It imports no business logic."""
