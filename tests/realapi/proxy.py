#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy between the agent and the API server, for what a network does.

  proxy.py LISTEN-PORT TARGET-PORT

SIGUSR1: every connection is cut, and a new one is fine. SIGUSR2: every connection of now falls silent, neither closed
nor read any more (no FIN, no RST), and a new one is fine.
"""
import signal
import socket
import sys
import threading

pairs, silent = [], set()
lock = threading.Lock()  # guards both


def pump(source, target, pair):
    try:
        while data := source.recv(65536):
            with lock:
                if pair in silent:
                    return
            target.sendall(data)
    except OSError:
        pass
    with lock:
        if pair in silent:
            return
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def cut(*_):
    for client, server in list(pairs):
        for end in (client, server):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def main():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    signal.signal(signal.SIGUSR1, cut)
    signal.signal(signal.SIGUSR2, lambda *_: silent.update(pairs))
    while True:
        client, _ = listener.accept()
        try:
            server = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
        except OSError:
            client.close()  # nobody listens there: the client sees its connection end
            continue
        pair = (client, server)
        pairs.append(pair)
        for source, target in (pair, pair[::-1]):
            threading.Thread(target=pump, args=(source, target, pair), daemon=True).start()


main()
