"""HTTP of profiles: register, see and change them, see and change what a user may do."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from labs.services.chassis import metrics
from labs.services.chassis.api import Routes
from labs.services.chassis.auth import Auth
from labs.services.chassis.database import Database
from labs.services.chassis.paging import PageIn
from labs.services.chassis.problems import Problem
from labs.services.user import passwords, store
from labs.services.user.domain import Role, normalised, permissions, unreachable
from labs.services.user.schemas import Permissions, Profile, ProfileChange, Profiles, Registration, RoleChange

REGISTERED = metrics.counter("users_registered_total", "People who became customers")


def profile_routes(app: Routes, db: Database, auth: Auth) -> None:
    """Users, their profiles and their permissions."""

    def look_only_at_the_own(user_id: UUID) -> None:
        caller = auth.caller()
        if caller.id != str(user_id) and not caller.may("users:all"):
            raise Problem(403, "This is somebody else's; your token does not permit it.")

    @app.post("/users")
    @app.input(Registration)
    @app.output(Profile, status_code=201)
    @app.doc(responses=[409])
    def register(json_data: Registration) -> Any:
        """Become a customer."""
        profile = json_data.model_dump(exclude={"password"}) | {"email": normalised(json_data.email)}
        _check_channels(**{name: profile[name] for name in ("channels", "phone", "device_token")})
        password_hash = passwords.hashed(json_data.password.get_secret_value())
        with db.transaction() as tx:
            user = store.register(tx, [Role.CUSTOMER], password_hash=password_hash, **profile)
            if user is None:
                raise _taken()
            tx.tell("user_registered", store.contact(user))
        REGISTERED.inc()
        return user, 201, {"Location": f"/users/{user.id}"}

    @app.get("/users")
    @auth.needs("users:all")
    @app.input(PageIn, location="query")
    @app.output(Profiles)
    def look_at_all(query_data: PageIn) -> Any:
        """All users, in the order in which they registered."""
        (after,) = query_data.place(int) or (0,)
        with db.reading() as session:
            rows = store.page(session, after, query_data.limit + 1)
            return query_data.page(rows, lambda user: (user.position,), Profile.model_validate)

    @app.get("/users/<uuid:user_id>")
    @auth.needs("profile:own", "users:all")
    @app.output(Profile)
    @app.doc(responses=[404])
    def look(user_id: UUID) -> Any:
        """A profile: the own one, or with users:all any."""
        look_only_at_the_own(user_id)
        with db.reading() as session:
            return _existing(session, user_id)

    @app.patch("/users/<uuid:user_id>")
    @auth.needs("profile:own", "users:all")
    @app.input(ProfileChange)
    @app.output(Profile)
    @app.doc(responses=[404, 409])
    def change(user_id: UUID, json_data: ProfileChange) -> Any:
        """Change a profile: the own one, or with users:all any."""
        look_only_at_the_own(user_id)
        wanted = json_data.model_dump(exclude_unset=True)
        if "email" in wanted:
            wanted["email"] = normalised(wanted["email"])
        with db.transaction() as tx:
            user = _existing(tx, user_id, lock=True)
            if wanted.pop("version", user.version) != user.version:
                raise Problem(409, f"The profile has changed meanwhile: it has version {user.version} now.")
            changes = {name: value for name, value in wanted.items() if getattr(user, name) != value}
            _check_channels(
                **{name: changes.get(name, getattr(user, name)) for name in ("channels", "phone", "device_token")}
            )
            if changes and not store.change(tx, user, changes):
                raise _taken()
            if changes:
                tx.tell("profile_changed", store.contact(user))
        return user

    @app.get("/users/<uuid:user_id>/permissions")
    @auth.needs("profile:own", "users:all")
    @app.output(Permissions)
    @app.doc(responses=[404])
    def look_at_permissions(user_id: UUID) -> Any:
        """What a user may do, by the roles that the user has now."""
        look_only_at_the_own(user_id)
        with db.reading() as session:
            return _permitted(_existing(session, user_id))

    @app.put("/users/<uuid:user_id>/roles")
    @auth.needs("users:all")
    @app.input(RoleChange)
    @app.output(Permissions)
    @app.doc(responses=[404, 409])
    def give_roles(user_id: UUID, json_data: RoleChange) -> Any:
        """Give a user these roles and no others; tokens given before keep what they say."""
        with db.transaction() as tx:
            user = _existing(tx, user_id, lock=True)
            if not store.give_roles(tx, user, set(json_data.roles)):
                raise Problem(409, "This is the last administrator; make another one first.")
        return _permitted(user)


def _existing(session: Session, user_id: UUID, lock: bool = False) -> store.User:
    user = store.get(session, str(user_id), lock)
    if user is None:
        raise Problem(404, f"There is no user {user_id}.")
    return user


def _check_channels(**contact: Any) -> None:
    if why := unreachable(**contact):
        raise Problem(422, why)


def _taken() -> Problem:
    return Problem(409, "Somebody has registered with this e-mail address.")


def _permitted(user: store.User) -> dict[str, Any]:
    return {"user_id": user.id, "roles": user.roles, "permissions": permissions(user.roles)}
