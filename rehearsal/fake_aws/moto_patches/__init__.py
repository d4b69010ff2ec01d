"""Change moto where it is kinder than AWS; ../server.py applies the patches, patches.py is the mechanism."""
