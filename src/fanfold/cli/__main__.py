"""`python -m fanfold.cli`."""

from fanfold.cli import main

if __name__ == "__main__":
    main()
