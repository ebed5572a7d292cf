"""Config specs: the form in which projects are served and evaluated."""
