"""``python -m kam`` is ``kam``."""

if __name__ == "__main__":
    from kam.cli import main

    main()
