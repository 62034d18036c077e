import threading

FAILURES, REST = 5, 0.5


class Breaker:
    def __init__(self):
        self.turn = threading.Lock()
        self.failures, self.rests_until, self.trying = 0, 0.0, False

    def call(self, attempt):
        return attempt()


layer = Breaker()
