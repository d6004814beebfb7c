"""Sends one Access-Request, signed with Message-Authenticator or not, and prints the code of the reply.

packet.py PORT SECRET USER PASSWORD signed|unsigned. Newer versions of radclient always sign.
"""

import hashlib
import hmac
import os
import socket
import struct
import sys

port, secret, user, password, form = int(sys.argv[1]), sys.argv[2].encode(), sys.argv[3].encode(), sys.argv[4].encode(), sys.argv[5]
authenticator = os.urandom(16)


def attribute(kind, value):
    return struct.pack("BB", kind, len(value) + 2) + value


mask = hashlib.md5(secret + authenticator).digest()
hidden = bytes(digit ^ noise for digit, noise in zip(password.ljust(16, b"\0"), mask))
attributes = attribute(1, user) + attribute(2, hidden)
is_signed = form == "signed"
length = 20 + len(attributes) + (18 if is_signed else 0)
packet = struct.pack(">BBH", 1, os.urandom(1)[0], length) + authenticator
if is_signed:
    signature = hmac.new(secret, packet + attribute(80, bytes(16)) + attributes, "md5").digest()
    packet += attribute(80, signature)
packet += attributes

with socket.socket(type=socket.SOCK_DGRAM) as client:
    client.settimeout(2)
    client.sendto(packet, ("127.0.0.1", port))
    try:
        print({2: "Access-Accept", 3: "Access-Reject", 11: "Access-Challenge"}[client.recv(4096)[0]])
    except socket.timeout:
        print("none")
