"""What services promise each other, made from their code and kept in labs/services/contracts; its README has the rules."""
