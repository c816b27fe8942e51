"""What mail providers report afterwards: delivered, bounced, complained; each verified in its own way."""
