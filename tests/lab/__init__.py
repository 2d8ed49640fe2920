"""EC2 on one machine: the API is moto's, and every instance that the API says is running is a real host."""
