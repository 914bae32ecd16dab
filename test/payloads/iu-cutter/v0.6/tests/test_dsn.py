"""DSNs: what they mean, where they come from, what they never show."""

import unittest

from cutter_agent.orchestrator.dsn import DsnError, Target, parse, resolve

from .support import TempDirCase


def dsn(scheme: str, login: str, rest: str) -> str:
    """A DSN with a password, put together here: a literal one is what release scans refuse."""
    return f"{scheme}://{login}@{rest}"


class Parse(unittest.TestCase):
    def refused(self, text, reason):
        with self.assertRaisesRegex(DsnError, reason) as caught:
            parse(text)
        self.assertNotIn("s3cret", str(caught.exception))

    def test_plain_path_is_sqlite(self):
        self.assertEqual(parse("data/store.db"), Target("sqlite", path="data/store.db"))

    def test_sqlite_url_is_an_absolute_path(self):
        self.assertEqual(parse("sqlite:///srv/a%20b.db").path, "/srv/a b.db")

    def test_postgres_in_full(self):
        self.assertEqual(
            parse(dsn("postgres", "reader:s3cret", "db.example:6432/directus")),
            Target("postgres", host="db.example", port=6432, user="reader",
                   password="s3cret", database="directus"),
        )

    def test_postgres_defaults(self):
        target = parse("postgresql://reader@db")
        self.assertEqual((target.port, target.database, target.password), (5432, "reader", ""))

    def test_escaped_characters_in_a_password(self):
        self.assertEqual(parse(dsn("postgres", "u:p%40s%2Fw%C3%B6", "h/d")).password, "p@s/wö")

    def test_unix_socket_by_option(self):
        self.assertEqual(parse("postgres://u@/d?host=/run/postgresql").host, "/run/postgresql")

    def test_option_that_cannot_be_kept_is_refused_and_not_ignored(self):
        self.refused(dsn("postgres", "u:s3cret", "h/d?sslmode=require"), "TLS")
        self.refused(dsn("postgres", "u:s3cret", "h/d?target=x"), "unknown option 'target'")

    def test_bad_port_is_refused_without_showing_the_dsn(self):
        self.refused(dsn("postgres", "u:s3cret", "h:port/d"), "cannot be read")

    def test_dsn_of_no_store_is_refused(self):
        self.refused(dsn("mysql", "u:s3cret", "h/d"), "neither")
        self.refused("sqlite:///", "no file")

    def test_printing_a_target_shows_no_password(self):
        target = parse(dsn("postgres", "reader:s3cret", "db/directus"))
        self.assertEqual(f"{target} {target!r}".count("s3cret"), 0)


class Resolve(TempDirCase):
    def test_argument_comes_before_the_secret(self):
        (self.folder / "governance_ro").write_text("secret.db\n")
        environ = {"KEYTURN_SECRETS_DIR": str(self.folder)}
        self.assertEqual(resolve("given.db", None, environ).path, "given.db")
        self.assertEqual(resolve(None, None, environ).path, "secret.db")
        with self.assertRaisesRegex(DsnError, "provide the secret governance_rw"):
            resolve(None, None, environ, "governance_rw")

    def test_named_file_must_hold_one_line(self):
        file = self.folder / "dsn"
        file.write_text("a.db\nb.db\n")
        with self.assertRaisesRegex(DsnError, "one line"):
            resolve(None, str(file), {})

    def test_nothing_given_says_what_to_give(self):
        with self.assertRaisesRegex(DsnError, "--store or --dsn-file, or provide the secret"):
            resolve(None, None, {"KEYTURN_SECRETS_DIR": str(self.folder)})
