"""A stand-in for OpenAI's model: answers from what stands in the request; knows no business of its own."""
