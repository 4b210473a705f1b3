"""What the generator and the reader named ``google`` are made of: doors, Veo, Omni, stills."""
