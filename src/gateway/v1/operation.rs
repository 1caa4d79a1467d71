//! One operation of the API: how it is routed, who may do it, and how it is described.

use crate::gateway::state::Shared;
use crate::types::Role;
use axum::extract::Extension;
use axum::handler::Handler;
use axum::routing::{self, MethodRouter};
use std::borrow::Cow;
use std::fmt;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

/// The role that an operation needs, as its handlers find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gateway) struct Needs(pub Role);

/// A body's schema by name.
#[derive(Clone, Copy)]
pub(in crate::gateway) struct Shape {
    pub name: fn() -> Cow<'static, str>,
    pub schema: fn() -> RefOr<Schema>,
    pub schemas: fn(&mut Vec<(String, RefOr<Schema>)>),
}

impl Shape {
    fn of<T: ToSchema>() -> Self {
        Self {
            name: T::name,
            schema: T::schema,
            schemas: T::schemas,
        }
    }
}

/// What an operation answers when it is done.
#[derive(Clone, Copy)]
pub(in crate::gateway) enum Answers {
    /// JSON, with 200.
    Json(Shape),
    /// JSON, with 201 for what is new and 200 for a repeat.
    Created(Shape),
    /// Server-sent events.
    Stream,
}

/// One line of the table.
pub(in crate::gateway) struct Operation {
    /// In lower case.
    pub method: &'static str,
    /// Below `/v1`.
    pub path: &'static str,
    pub role: Role,
    /// What it does, in one sentence.
    pub about: &'static str,
    /// Names of its query parameters.
    pub query: &'static [&'static str],
    /// What it takes, and whether it must be sent.
    pub body: Option<(Shape, bool)>,
    pub answers: Answers,
    /// Its answer may have an ETag (reads), or it takes `If-Match` (commands).
    pub stamped: bool,
    route: MethodRouter<Shared>,
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} for {}", self.method, self.path, self.role.name())
    }
}

impl Operation {
    /// A question: for every role.
    pub fn get<H, X>(path: &'static str, handler: H) -> Self
    where
        H: Handler<X, Shared>,
        X: 'static,
    {
        Self::new("get", path, Role::ReadOnly, routing::get(handler))
    }

    /// A command.
    pub fn post<H, X>(role: Role, path: &'static str, handler: H) -> Self
    where
        H: Handler<X, Shared>,
        X: 'static,
    {
        Self::new("post", path, role, routing::post(handler))
    }

    /// A definition.
    pub fn put<H, X>(role: Role, path: &'static str, handler: H) -> Self
    where
        H: Handler<X, Shared>,
        X: 'static,
    {
        Self::new("put", path, role, routing::put(handler))
    }

    fn new(
        method: &'static str,
        path: &'static str,
        role: Role,
        route: MethodRouter<Shared>,
    ) -> Self {
        Self {
            method,
            path,
            role,
            about: "",
            query: &[],
            body: None,
            answers: Answers::Json(Shape::of::<super::shapes::Anything>()),
            stamped: false,
            route,
        }
    }

    /// What it does.
    pub fn about(self, about: &'static str) -> Self {
        Self { about, ..self }
    }

    /// It needs another role than its kind does.
    pub fn needs(self, role: Role) -> Self {
        Self { role, ..self }
    }

    /// Which query parameters it takes; `parameters.rs` describes them.
    pub fn query(self, query: &'static [&'static str]) -> Self {
        Self { query, ..self }
    }

    /// A body that may be left out.
    pub fn may_take<T: ToSchema>(self) -> Self {
        Self {
            body: Some((Shape::of::<T>(), false)),
            ..self
        }
    }

    /// A body that must be sent.
    pub fn takes<T: ToSchema>(self) -> Self {
        Self {
            body: Some((Shape::of::<T>(), true)),
            ..self
        }
    }

    /// What it answers, with 200.
    pub fn answers<T: ToSchema>(self) -> Self {
        Self {
            answers: Answers::Json(Shape::of::<T>()),
            ..self
        }
    }

    /// What it answers, with 201 or 200.
    pub fn creates<T: ToSchema>(self) -> Self {
        Self {
            answers: Answers::Created(Shape::of::<T>()),
            ..self
        }
    }

    /// It answers with events until the client goes away.
    pub fn streams(self) -> Self {
        Self {
            answers: Answers::Stream,
            ..self
        }
    }

    /// What it is about has an ETag.
    pub fn stamped(self) -> Self {
        Self {
            stamped: true,
            ..self
        }
    }

    /// Its route, with the role that it needs.
    pub fn into_route(self) -> (&'static str, MethodRouter<Shared>) {
        let needs = Extension(Needs(self.role));
        (self.path, self.route.route_layer(needs))
    }
}
