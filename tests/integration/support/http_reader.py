"""A small, strict HTTP/1.1 client over one kept connection (python3-minimal has no http.client)."""

import socket


class HttpError(Exception):
    pass


class Response:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # lower-case names
        self.body = body

    def text(self):
        return self.body.decode("utf-8")


class Connection:
    """One keep-alive connection. One thread."""

    def __init__(self, port, timeout=20.0, host="127.0.0.1"):
        self.port = port
        self._socket = socket.create_connection((host, port), timeout=timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._socket.close()

    def fileno(self):
        return self._socket.fileno()

    def local_port(self):
        return self._socket.getsockname()[1]

    def send(self, data):
        self._socket.sendall(data)

    def send_request(self, method, path, headers=()):
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        lines += [f"{name}: {value}" for name, value in headers]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode())

    def request(self, method, path, headers=()):
        self.send_request(method, path, headers)
        return self.read_response(method)

    def get(self, path, headers=()):
        return self.request("GET", path, headers)

    def read_response(self, method="GET"):
        """Reads exactly one response; a body that is cut short is an error."""
        head = self._until(b"\r\n\r\n").decode("latin-1")
        status_line, *lines = head.split("\r\n")
        version, status, *_ = status_line.split(" ", 2)
        if version not in ("HTTP/1.1", "HTTP/1.0") or len(status) != 3 or not status.isdigit():
            raise HttpError(f"bad status line {status_line!r}")
        headers = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or name != name.strip() or not name:
                raise HttpError(f"bad header line {line!r}")
            if name.lower() == "content-length" and "content-length" in headers:
                raise HttpError("two Content-Length headers")
            headers[name.lower()] = value.strip()
        return Response(int(status), headers, self._body(method, int(status), headers))

    def at_end(self):
        """True when the server has closed the connection and sent nothing more."""
        return not self._buffer and self._socket.recv(1) == b""

    def _body(self, method, status, headers):
        if method == "HEAD" or status in (204, 304) or 100 <= status < 200:
            return b""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunks()
        if "content-length" in headers:
            return self._exactly(int(headers["content-length"]))
        if headers.get("connection", "").lower() != "close":
            raise HttpError("neither Content-Length nor chunked nor Connection: close")
        return self._rest()

    def _chunks(self):
        body = b""
        while True:
            size = int(self._until(b"\r\n").split(b";")[0], 16)
            chunk = self._exactly(size)
            if self._exactly(2) != b"\r\n":
                raise HttpError("chunk without its end")
            if size == 0:
                return body
            body += chunk

    def _receive(self):
        data = self._socket.recv(1 << 16)
        if not data:
            raise HttpError(f"connection closed in mid response after {self._buffer[:80]!r}")
        self._buffer += data

    def _until(self, mark):
        while mark not in self._buffer:
            if len(self._buffer) > 1 << 20:
                raise HttpError("head without end")
            self._receive()
        head, _, self._buffer = self._buffer.partition(mark)
        return head

    def _exactly(self, size):
        parts, have = [self._buffer], len(self._buffer)
        while have < size:
            data = self._socket.recv(1 << 18)
            if not data:
                raise HttpError(f"body cut short: {have} of {size} bytes")
            parts.append(data)
            have += len(data)
        data = b"".join(parts)
        self._buffer = data[size:]
        return data[:size]

    def _rest(self):
        parts = [self._buffer]
        while True:
            data = self._socket.recv(1 << 18)
            if not data:
                self._buffer = b""
                return b"".join(parts)
            parts.append(data)


def get(port, path, headers=()):
    with Connection(port) as connection:
        return connection.get(path, headers)
