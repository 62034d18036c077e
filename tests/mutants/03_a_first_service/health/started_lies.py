import sqlite3

from labs.services.inventory.database import connected

YES, NO = ({"status": "pass"}, 200), ({"status": "fail"}, 503)


def database_answers():
    try:
        with connected() as connection:
            connection.execute("SELECT 1 FROM products LIMIT 1").fetchall()
    except sqlite3.Error:
        return False
    return True


def add_to(app):
    @app.get("/health/live")
    def live():
        return YES

    @app.get("/health/ready")
    def ready():
        return YES if database_answers() else NO

    @app.get("/health/started")
    def started():
        return YES
