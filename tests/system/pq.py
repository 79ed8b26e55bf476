"""SQL over sessions that stay: libpq, through ctypes. A psql for each look costs a process, a session
of Postgres and a log-in, and tests look many times a second."""
import ctypes
import ctypes.util
import threading

CONNECTION_OK = 0
COMMAND_OK, TUPLES_OK = 1, 2
PQ = ctypes.CDLL(ctypes.util.find_library("pq") or "libpq.so.5")
for _name, _result, *_arguments in (
        ("PQconnectdb", ctypes.c_void_p, ctypes.c_char_p), ("PQfinish", None, ctypes.c_void_p),
        ("PQstatus", ctypes.c_int, ctypes.c_void_p), ("PQerrorMessage", ctypes.c_char_p, ctypes.c_void_p),
        ("PQsendQuery", ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p),
        ("PQgetResult", ctypes.c_void_p, ctypes.c_void_p), ("PQclear", None, ctypes.c_void_p),
        ("PQresultStatus", ctypes.c_int, ctypes.c_void_p),
        ("PQresultErrorMessage", ctypes.c_char_p, ctypes.c_void_p),
        ("PQntuples", ctypes.c_int, ctypes.c_void_p), ("PQnfields", ctypes.c_int, ctypes.c_void_p),
        ("PQsetNoticeProcessor", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p),
        ("PQgetvalue", ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int)):
    getattr(PQ, _name).restype = _result
    getattr(PQ, _name).argtypes = _arguments
QUIET = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p)(lambda _data, _message: None)


class SqlError(AssertionError):
    """What Postgres, or libpq about it, had to say."""


class Session:
    def __init__(self, url):
        self.handle = PQ.PQconnectdb(url.encode())
        if PQ.PQstatus(self.handle) != CONNECTION_OK:
            text = PQ.PQerrorMessage(self.handle).decode()
            self.close()
            raise SqlError(text)
        PQ.PQsetNoticeProcessor(self.handle, QUIET, None)
        self.run("SET statement_timeout = '120s'")

    def close(self):
        PQ.PQfinish(self.handle)
        self.handle = None

    def is_open(self):
        return PQ.PQstatus(self.handle) == CONNECTION_OK

    def run(self, sql):
        """The rows of all statements of a text, each a list of texts; NULL is empty, as psql has it."""
        if not PQ.PQsendQuery(self.handle, sql.encode()):
            raise SqlError(PQ.PQerrorMessage(self.handle).decode())
        rows, fault = [], None
        while result := PQ.PQgetResult(self.handle):
            if PQ.PQresultStatus(result) == TUPLES_OK:
                columns = range(PQ.PQnfields(result))
                rows += [[PQ.PQgetvalue(result, row, column).decode() for column in columns]
                         for row in range(PQ.PQntuples(result))]
            elif PQ.PQresultStatus(result) != COMMAND_OK:
                fault = fault or PQ.PQresultErrorMessage(result).decode()
            PQ.PQclear(result)
        if fault:
            raise SqlError(f"{fault}{sql[:2000]}")
        return rows


class Sessions:
    """As many to one database as threads ask at a time."""

    def __init__(self, url):
        self.url, self.lock, self.idle = url, threading.Lock(), []

    def take(self):
        with self.lock:
            while self.idle:
                session = self.idle.pop()
                try:
                    session.run("")  # a server that went since is noticed here, before anything is asked
                    return session
                except SqlError:
                    session.close()
        return Session(self.url)

    def run(self, sql):
        """Nothing is run twice: a session that breaks meanwhile is an error."""
        session = self.take()
        try:
            return session.run(sql)
        finally:
            if session.is_open():
                with self.lock:
                    self.idle.append(session)
            else:
                session.close()

    def close(self):
        with self.lock:
            for session in self.idle:
                session.close()
            self.idle = []
