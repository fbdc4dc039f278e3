"""A stand-in for Snowflake: fakesnow's server, with what it lacks, in an environment of fakesnow's own.

fakesnow is an emulator over DuckDB. This file adds COPY INTO a location of S3 and from one, numbers of
sessions, cancelling, a password, and errors for values. It is as strict as Snowflake's documentation where
that says something, and an imitation: the service itself was never asked.

Usage: python fakesnow_server.py PORT
"""

import asyncio
import functools
import gzip
import itertools
import json
import re
import sys
import time
from datetime import UTC, datetime
from importlib import import_module

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import uvicorn
from fakesnow.cursor import FakeSnowflakeCursor
from snowflake.connector.errors import ProgrammingError
from starlette.responses import JSONResponse
from starlette.routing import Route

server = import_module("fakesnow.server")  # the package has a function of this name
PASSWORD = "pl4nted-s3cret"
FILE_ROWS = 40_000
"""Rows of one unloaded file."""
_OPTION = r"(?:[^()]|\([^()]*\))*"
_UNLOAD = re.compile(
    r"\s*COPY INTO 's3://(?P<path>[^']+)' FROM \((?P<query>.*)\) (?P<rest>(?:CREDENTIALS|STORAGE).*)\Z",
    re.DOTALL,
)
_LOAD = re.compile(r"\s*COPY INTO (?P<table>[^'(]+?) FROM 's3://(?P<path>[^']+)' (?P<rest>.*)\Z", re.DOTALL)
_CANCEL = re.compile(r"\s*SELECT SYSTEM\$CANCEL_ALL_QUERIES\((?P<session>\d+)\)\s*\Z", re.IGNORECASE)
_TEMPORARY = re.compile(r"\b(DVT_LOAD)\b")
_NAME = r'(?P<name>(?:"(?:[^"]|"")*"|[\w$]+)(?:\.(?:"(?:[^"]|"")*"|[\w$]+))*)'
_CREATE = re.compile(rf"\s*CREATE (?:OR REPLACE )?(?:TRANSIENT )?TABLE {_NAME}", re.IGNORECASE)
_INSERT = re.compile(rf"\s*INSERT INTO {_NAME}", re.IGNORECASE)
_AS_OF = re.compile(rf"{_NAME} AT \(TIMESTAMP => '(?P<moment>[^']+)'::TIMESTAMP_TZ\)")
_PLAN = re.compile(
    r"\s*EXPLAIN USING JSON (?P<query>SELECT .*? FROM (?P<table>.*?)(?P<where> WHERE .*)?)\Z", re.DOTALL
)
_KEYS = re.compile(r"(AWS_KEY_ID|AWS_SECRET_KEY|AWS_TOKEN) = '([^']+)'")
_OWN_KEYS = {"AWS_KEY_ID": "dvt-tests", "AWS_SECRET_KEY": "pl4nted-s3cret/+minio"}
"""What a storage integration stands for."""

statements = []
state = {"endpoint": "", "loses_files": False, "paused": False}
numbers = itertools.count(1001)
tables = {}
"""Name of a table → when it was created, and until when its rows were those of which other table."""
sessions = {}
"""Number of a session → its connection, its user and what it runs."""


class Session:
    def __init__(self, number, user, token):
        self.number, self.user, self.token = number, user, token
        self.running = ""
        self.is_cut = False

    @property
    def connection(self):
        return server.sessions.get(self.token)


def failed(message, number, state_):
    return ProgrammingError(msg=message, errno=number, sqlstate=state_)


def session_of(connection):
    return next((each for each in sessions.values() if each.connection is connection), None)


def execute(original, self, command, *args, **kwargs):
    session = session_of(self._conn)
    if session is None:
        return original(self, command, *args, **kwargs)
    if kwargs.get("server"):
        statements.append(command)
    session.running = command
    # The emulator's COPY INTO does not find temporary tables: here they are tables named after the session.
    command = _TEMPORARY.sub(
        rf"\1_{session.number}", command.replace("CREATE TEMPORARY TABLE", "CREATE TABLE")
    )
    try:
        return carried_out(original, self, command, *args, **kwargs)
    except duckdb.InterruptException:
        if session.is_cut:
            raise failed(
                "Session no longer exists. New login required to access the service.", 390111, "08001"
            ) from None
        raise failed("SQL execution canceled", 604, "57014") from None
    except duckdb.ConstraintException as error:
        raise failed(f"NULL result in a non-nullable column: {error}", 100072, "22000") from None
    except (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException) as error:
        raise failed(f"Numeric value is not recognized: {error}", 100038, "22018") from None
    except (duckdb.Error, RuntimeError) as error:
        raise failed(f"SQL compilation error: {error}", 1003, "42000") from None
    finally:
        session.running = ""


def carried_out(original, self, command, *args, **kwargs):
    if match := _CANCEL.match(command):
        cancelled = sessions.get(int(match["session"]))
        if cancelled is not None and cancelled.running:
            cancelled.connection._duck_conn.interrupt()
        return original(self, "SELECT 'query cancelled' AS status", *args, **kwargs)
    if command.startswith("ALTER SESSION UNSET "):
        return original(self, "SELECT 'Statement executed successfully.' AS status", *args, **kwargs)
    if match := _PLAN.match(command):
        return original(self, f"SELECT '{planned(original, self, match)}' AS content", *args, **kwargs)
    command = in_time(original, self, command)
    if match := _UNLOAD.match(command):
        original(self, match["query"], *args, **kwargs)
        rows = unloaded(self._arrow_table, match["path"], match["rest"])
        return original(
            self, f"SELECT {rows} AS rows_unloaded, 0 AS input_bytes, 0 AS output_bytes", *args, **kwargs
        )
    if match := _LOAD.match(command):
        rows = loaded(original, self, match["table"], match["path"], match["rest"])
        return original(
            self, f"SELECT 'x' AS file, 'LOADED' AS status, {rows} AS rows_loaded", *args, **kwargs
        )
    return original(self, command, *args, **kwargs)


def exact(name):
    """Return a name with all its parts in quotes."""
    parts = re.findall(r'"((?:[^"]|"")*)"|([^.\s"]+)', name)
    return ".".join(f'"{quoted_}"' if quoted_ else f'"{plain.upper()}"' for quoted_, plain in parts)


def in_time(original, cursor, command):
    """Note of a statement what later ones may ask of the past; return it with the tables that it reads."""
    if match := _CREATE.match(command):
        tables[exact(match["name"])] = (datetime.now(UTC), [])
    if match := _INSERT.match(command):
        keep_past(original, cursor, exact(match["name"]))
    return _AS_OF.sub(at_moment, command)


def keep_past(original, cursor, name):
    """Keep the rows that a table has, before they change."""
    if name in tables:
        past = f"DVT_TESTS.PAST.T{next(numbers)}"
        original(cursor, f"CREATE TABLE {past} AS SELECT * FROM {name}")
        tables[name][1].append((datetime.now(UTC), past))


def at_moment(match):
    """Return the table that has the rows of a table at a moment."""
    name, moment = match["name"], datetime.strptime(match["moment"], "%Y-%m-%d %H:%M:%S.%f %z")
    if moment > datetime.now(UTC):
        raise failed(f"Time travel to the future: {moment}", 707, "02000")
    if name not in tables or moment < tables[name][0]:
        raise failed(
            f"Time travel data is not available for table {name}. The requested time is either beyond the"
            " allowed time travel period or before the object creation time.",
            707,
            "02000",
        )
    return next((past for until, past in tables[name][1] if moment < until), name)


def planned(original, cursor, match):
    """Return a plan in JSON: how many partitions of a thousand rows have rows for a query."""
    original(cursor, match["query"] + " LIMIT 0")  # refuses what is wrong
    original(cursor, f"SELECT COUNT(DISTINCT FLOOR(rowid / 1000)) FROM {match['table']}")
    total = cursor._arrow_table.column(0)[0].as_py()
    original(
        cursor, f"SELECT COUNT(DISTINCT FLOOR(rowid / 1000)) FROM {match['table']}{match['where'] or ''}"
    )
    assigned = cursor._arrow_table.column(0)[0].as_py()
    statistics = {"partitionsTotal": total, "partitionsAssigned": assigned, "bytesAssigned": assigned * 4096}
    return json.dumps({"GlobalStats": statistics, "Operations": [[]]})


def store(rest):
    keys = dict(_KEYS.findall(rest))
    if "STORAGE_INTEGRATION = " in rest:
        keys = _OWN_KEYS
    if not keys:
        raise failed("AWS_KEY_ID, AWS_SECRET_KEY or a storage integration is required", 1003, "42000")
    scheme, _, host = state["endpoint"].partition("://")
    return pafs.S3FileSystem(
        access_key=keys["AWS_KEY_ID"],
        secret_key=keys["AWS_SECRET_KEY"],
        session_token=keys.get("AWS_TOKEN"),
        endpoint_override=host,
        scheme=scheme,
        region="us-east-1",
    )


def denied(error):
    return failed(f"Failure using stage area. Cause: [{error}]", 91003, "22000")


def unloaded(table, path, rest):
    """Write an answer as files of Parquet, with names as COPY INTO gives them; return the number of rows."""
    if "TYPE = PARQUET" not in rest:
        raise failed("this stand-in unloads Parquet alone", 1003, "42000")
    arrays = [unloadable(field, table.column(place)) for place, field in enumerate(table.schema)]
    names = table.schema.names
    if "HEADER = TRUE" not in rest:
        names = [f"_COL_{place}" for place in range(len(names))]
    table = pa.table(arrays, names=names)
    filesystem = store(rest)
    for number, begin in enumerate(range(0, table.num_rows, FILE_ROWS)):
        file = f"{path}data_0_{number}_0.snappy.parquet"
        if state["loses_files"] and begin + FILE_ROWS >= table.num_rows:
            continue
        try:
            with filesystem.open_output_stream(file) as stream:
                pq.write_table(table.slice(begin, FILE_ROWS), stream)
        except OSError as error:
            raise denied(error) from None
    while state["paused"]:
        time.sleep(0.05)
    return table.num_rows


def unloadable(field, column):
    type_ = field.type
    if pa.types.is_timestamp(type_) and type_.tz:
        raise failed(
            f"Unsupported feature 'unload of {field.name}: TIMESTAMP_TZ and _LTZ to Parquet'", 2, "0A000"
        )
    if pa.types.is_integer(type_):
        return pc.cast(column, pa.decimal128(38, 0))
    if pa.types.is_decimal(type_) or pa.types.is_float64(type_) or pa.types.is_string(type_):
        return column
    if pa.types.is_null(type_):
        return pc.cast(column, pa.string())
    raise failed(f"this stand-in unloads numbers and texts, not {field.name}: {type_}", 1003, "42000")


def loaded(original, self, table, path, rest):
    """Fill a table with the rows of files of Parquet, by their columns' names; return their number."""
    for option in ("TYPE = PARQUET", "MATCH_BY_COLUMN_NAME = CASE_SENSITIVE", "NULL_IF = ()"):
        if option not in rest:
            raise failed(f"this stand-in needs {option}", 1003, "42000")
    filesystem = store(rest)
    bucket, _, prefix = path.partition("/")
    try:
        folder = pafs.FileSelector(f"{bucket}/{prefix}".rstrip("/"), recursive=True)
        files = [info.path for info in filesystem.get_file_info(folder) if info.is_file]
        rows = 0
        for file in files:
            read = pq.read_table(filesystem.open_input_file(file))
            self._duck_conn.register("dvt_read", read)
            columns = ", ".join(f'"{name}"' for name in read.schema.names)
            self._duck_conn.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM dvt_read")
            self._duck_conn.unregister("dvt_read")
            rows += read.num_rows
    except OSError as error:
        raise denied(error) from None
    return rows


async def login(request):
    body = await request.body()
    if request.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    data = json.loads(body)["data"]
    if data.get("PASSWORD") != PASSWORD:
        message = "Incorrect username or password was specified."
        return JSONResponse({"data": {}, "code": "390100", "message": message, "success": False})
    answer = await server.login_request(request)
    content = json.loads(answer.body)
    session = Session(next(numbers), data["LOGIN_NAME"], content["data"]["token"])
    sessions[session.number] = session
    content["data"]["sessionId"] = session.number
    content["data"]["masterToken"] = session.token  # without one, the client ends no session
    return JSONResponse(content)


async def control(request):
    asked = await request.json()
    state.update(asked.get("state", {}))
    if asked.get("clear"):
        statements.clear()
    users = [each for each in sessions.values() if each.user == asked.get("user")]
    alive = [each for each in users if each.connection is not None]
    if asked.get("cut"):
        for session in alive:
            session.is_cut = True
            connection = server.sessions.pop(session.token)
            while session.running:  # DuckDB loses an interrupt that comes before the query has begun
                connection._duck_conn.interrupt()
                await asyncio.sleep(0.05)
    return JSONResponse(
        {
            "statements": statements,
            "connections": len(alive),
            "running": [each.running for each in alive if each.running],
        }
    )


def main():
    original = FakeSnowflakeCursor.execute
    FakeSnowflakeCursor.execute = functools.wraps(original)(
        lambda self, command, *args, **kwargs: execute(original, self, command, *args, **kwargs)
    )
    routes = server.app.router.routes
    routes[:] = [
        Route("/session/v1/login-request", login, methods=["POST"]),
        Route("/control", control, methods=["POST"]),
        *(route for route in routes if route.path != "/session/v1/login-request"),
    ]
    server.app.debug = False
    uvicorn.run(server.app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error")


if __name__ == "__main__":
    main()
