"""HTTP of user-service: log in, and the keys that verify tokens; profiles.py has the rest."""

from datetime import UTC, datetime
from typing import Any

from apiflask import APIFlask
from flask import request
from werkzeug.middleware.proxy_fix import ProxyFix

from labs.services.chassis.api import Routes, create_api
from labs.services.chassis.auth import Auth, Keys
from labs.services.chassis.database import Database
from labs.services.chassis.problems import Problem
from labs.services.chassis.settings import load
from labs.services.user.domain import TOKEN_SECONDS
from labs.services.user.failures import Limits
from labs.services.user.keys import KeyRing
from labs.services.user.profiles import profile_routes
from labs.services.user.schemas import Credentials, Jwks, NewKey, Token
from labs.services.user.settings import Settings
from labs.services.user.start import prepare
from labs.services.user.tokens import Refused, TooOften, log_in

KEYS_MAX_AGE = 5
"""Seconds that a cache may keep the keys: less than the lead of a new one."""


def create_app(settings: Settings | None = None, keys: Keys | None = None) -> APIFlask:
    """The app that gunicorn serves. `keys` verify tokens in place of the own ones."""
    settings = settings or load(Settings)
    db = Database(settings.database_url)
    app = create_api("user-service", settings, db)
    behind(app, settings.proxies)
    ring = prepare(db, settings)
    routes(app, db, Auth(keys or ring), ring, Limits(settings.failures_per_email, settings.failures_per_address))
    return app


def behind(app: APIFlask, proxies: int) -> None:
    """So many proxies in front say where a request comes from: their own entries in X-Forwarded-For are believed, no other."""
    app.wsgi_app = ProxyFix(app.wsgi_app, proxies, 0, 0, 0, 0)  # type: ignore[method-assign]  # as Flask says


def routes(app: Routes, db: Database, auth: Auth, keys: KeyRing, limits: Limits) -> None:
    """What user-service answers. `keys` sign; `limits` are for failed logins."""
    profile_routes(app, db, auth)

    @app.post("/tokens")
    @app.input(Credentials)
    @app.output(Token)
    @app.doc(responses=[401, 429])
    def give_token(json_data: Credentials) -> Any:
        """Log in: a token for 15 minutes. Who fails too often must wait."""
        password, address = json_data.password.get_secret_value(), request.remote_addr or ""
        try:
            token = log_in(db, keys, limits, json_data.email, password, address)
        except Refused:
            headers = {"WWW-Authenticate": 'Bearer realm="shop"'}
            raise Problem(401, "The e-mail address or the password is wrong.", headers=headers) from None
        except TooOften as error:
            words = f"Too many logins have failed; try again in {error.seconds} s."
            raise Problem(429, words, headers={"Retry-After": str(error.seconds)}) from None
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS}
        return answer, 200, {"Cache-Control": "no-store"}

    @app.get("/.well-known/jwks.json")
    @app.output(Jwks)
    def show_keys() -> Any:
        """The keys that verify the tokens given here."""
        return keys.jwks(), 200, {"Cache-Control": f"public, max-age={KEYS_MAX_AGE}"}

    @app.post("/keys")
    @auth.needs("keys:rotate")
    @app.output(NewKey, status_code=201)
    def rotate() -> Any:
        """A new key, published at once; the old ones verify until their last token has ended."""
        key = keys.rotate()
        return {"kid": key.kid, "signs_from": datetime.fromtimestamp(key.signs_from, UTC).isoformat()}
