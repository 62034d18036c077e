"""`python -m tests.services.contracts.pacts`: have every consumer write down anew what it needs. Look at the difference before
you commit it: a consumer that needs more may need what nobody gives."""

from tests.services.contracts.pacts.keeping import FOLDER, write

if __name__ == "__main__":
    write(FOLDER)
    print(f"{len(list(FOLDER.rglob('*.json')))} pacts are in {FOLDER}")  # noqa: T201  a person waits for it
