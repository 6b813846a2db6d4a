# The program login.
