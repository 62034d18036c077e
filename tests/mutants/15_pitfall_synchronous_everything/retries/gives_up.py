import random
import threading
import time

ATTEMPTS, SHARE, MOST = 3, 0.1, 2.0


def pause(number):
    time.sleep(random.uniform(0, 0.02 * 2**number))


class Retries:
    def __init__(self):
        self.saved, self.turn = 1.0, threading.Lock()

    def earn(self):
        with self.turn:
            self.saved = min(MOST, self.saved + SHARE)

    def spend(self):
        with self.turn:
            enough = self.saved >= 1
            self.saved -= enough
        return enough

    def call(self, attempt):
        self.earn()
        return attempt()


layer = Retries()
