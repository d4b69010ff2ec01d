"""Texts with secrets, and what a healthy node prints: both sides of redaction, for Python and for .NET.

Every secret is made up; the forms are those of the programs named beside them.
"""

import base64
import json
from pathlib import Path

WORD = "Correct-Horse-9"
AWS_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SLASH_KEY = "/abcXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY1"
TOKEN = "abcdef.0123456789abcdef"
HEX = "0123456789abcdef" * 4
JWT = "eyJhbGciOiJSUzI1NiIsImtpZCI6.eyJpc3MiOiJrdWJlcm5l.c2lnbmF0dXJl"
BODY = "MIIEpAIBAAKCAQEA7bq\nc2VjcmV0c2VjcmV0c2VjcmV0\n"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}-----END RSA PRIVATE KEY-----"
PEM64 = base64.b64encode(PEM.encode() * 3).decode()
WRAPPED = "\n".join(PEM64[at : at + 64] for at in range(0, len(PEM64), 64))


def utf16(text: str, codec: str = "utf-16-le") -> str:
    """The text as a reader of bytes sees it (nssm writes so)."""
    return text.encode(codec).decode("latin-1")


# name: (text, what must not come out, what must stay)
SECRETS = {
    # Environment, in any case and spelling.
    "env upper": (f"AWS_SECRET_ACCESS_KEY={AWS_KEY}", "wJalr", "AWS_SECRET_ACCESS_KEY="),
    "env that begins like a path": (f"AWS_SECRET_ACCESS_KEY={SLASH_KEY}", "XUtnFEMI", ""),
    "env short": ("PASSWORD=x7\nPATH=/usr/bin", "x7", "PATH=/usr/bin"),
    "env with blanks": (f"DB_PASSWORD={WORD} and more\nHOME=/root", "and more", "HOME=/root"),
    "env in a line": (f"exec: DB_PASSWORD={WORD} HOME=/root app", "Horse", "HOME=/root app"),
    "env with ampersand in a line": ("run with DB_PASSWORD=ab&cd;ef now", "cd;ef", "now"),
    "env with a quote inside": ("run with DB_PASSWORD=it's9 now", "s9", "now"),
    "env token": ("API_TOKEN=abc", "abc", "API_TOKEN="),
    "env pass": ("SMTP_PASS=abc", "abc", ""),
    "env secret": ("CLIENT_SECRET=abc", "abc", ""),
    "env numbered": ("DB_PASSWORD_1=abc", "abc", ""),
    "env export": (f"export GITHUB_TOKEN='{WORD}'", "Horse", ""),
    "env set": (f"set password={WORD}", "Horse", "set password="),
    "env of PowerShell": (f'$env:DB_PASSWORD = "{WORD}"', "Horse", ""),
    "variable of PowerShell": (f"$password = '{WORD}'", "Horse", ""),
    "env of a process": (f"A=1\0PASSWORD={WORD}\0HOME=/root\0", "Horse", "HOME=/root"),
    "table of env:": (f"DB_PASSWORD                    {WORD}", "Horse", ""),
    "list of env:": (f"Name  : DB_PASSWORD\nValue : {WORD}", "Horse", ""),
    "mixed case": (f"dbPassword={WORD} AwsSecretAccessKey={AWS_KEY}", "Horse|wJalr", ""),
    "connection string": (f"Server=db;User Id=sa;Password={WORD};Encrypt=true", "Horse", "Encrypt=true"),
    "connection string, Pwd": (f"Server=db;Uid=sa;Pwd={WORD};Encrypt=true", "Horse", "Encrypt=true"),
    "connection string, path-like": (
        "x: Server=db;Uid=sa;Pwd=/abc/def;Encrypt=true",
        "/abc/def",
        "Encrypt=true",
    ),
    "storage account": (
        f"AccountName=n;AccountKey={AWS_KEY}==;EndpointSuffix=x",
        "wJalr",
        "EndpointSuffix=x",
    ),
    # Documents.
    "json": (f'{{"user": "u", "password": "{WORD}", "port": 1}}', "Horse", '"port": 1}'),
    "json short": ('{"token":"a1","x":"y"}', "a1", '"x":"y"}'),
    "json with an escape": ('{"password":"a\\"b-rest","x":1}', "b-rest", '"x":1}'),
    "json in json": (f'msg="{{\\"password\\":\\"{WORD}\\",\\"x\\":1}}"', "Horse", ""),
    "json camel": ('{"SecretAccessKey" : "' + AWS_KEY + '", "x": 1}', "wJalr", '"x": 1}'),
    "json number": ('{"password": 12345, "x": 1}', "12345", '"x": 1}'),
    "yaml": (f"db:\n  password: {WORD}\n  port: 1", "Horse", "  port: 1"),
    "yaml quoted": (f'DB_PASSWORD: "{WORD}"\nport: 1', "Horse", "port: 1"),
    "yaml short": ("  token: x7\nport: 1", "x7", "port: 1"),
    "yaml block": ("password: |\n  first-line\n  second-line\nport: 1", "first-line|second-line", "port: 1"),
    "yaml list of env": (
        f"- name: DB_PASSWORD\n  value: {WORD}\n- name: X\n  value: kept",
        "Horse",
        "value: kept",
    ),
    "env of a container, json": (
        f'{{"name":"DB_PASSWORD","value":"{WORD}"}},{{"name":"A","value":"kept"}}',
        "Horse",
        "kept",
    ),
    "env of a container, Go": (
        f"EnvVar{{Name:DB_PASSWORD,Value:{WORD},ValueFrom:nil,}}",
        "Horse",
        "ValueFrom:nil",
    ),
    "Go map": (f"map[password:{WORD} user:sa]", "Horse", "user:sa]"),
    "xml": (f"<DbPassword>{WORD}</DbPassword><Port>1</Port>", "Horse", "<Port>1</Port>"),
    "xml of unattended set-up": (f"<AdministratorPassword>\n <Value>{WORD}</Value>", "Horse", "</Value>"),
    "xml attribute": (f'<db password="{WORD}" port="1"/>', "Horse", 'port="1"/>'),
    ".config": (f'<add key="DbPassword" value="{WORD}" /><add key="A" value="kept" />', "Horse", "kept"),
    "ini": (f"[db]\npassword = {WORD}\nport = 1", "Horse", "port = 1"),
    "toml": (f'auth = "dXNlcjpwYXNz"\nidentitytoken = "{WORD}"', "dXNlc|Horse", ""),
    "docker config": ('{"auths":{"r":{"auth":"dXNlcjpwYXNz"}}}', "dXNlc", ""),
    "netrc": (f"machine h login u password {WORD}\nmachine i", "Horse", "machine i"),
    "shadow": ("root:$6$saltsalt$abcdefghijklmnopqrstuvwxyz:19000:0", "abcdefghij", ":19000:0"),
    "value over two lines": (
        'PASSWORD="first-half\nsecond-half"\nHOME=/root',
        "first-half|second-half",
        "HOME=/root",
    ),
    "list of an object": (f"Password : {WORD}\nPort     : 1", "Horse", "Port     : 1"),
    # Command lines.
    "flag": (f"app --password {WORD} --port 1", "Horse", "--port 1"),
    "flag with =": (f"app --db-password={WORD} --port 1", "Horse", "--port 1"),
    "flag of PowerShell": (f"Connect-It -Password {WORD} -Port 1", "Horse", "-Port 1"),
    "flag of Windows": (f"cmdkey /user:u /pass:{WORD}", "Horse", "/user:u"),
    "secure string": (f"ConvertTo-SecureString '{WORD}' -AsPlainText", "Horse", "-AsPlainText"),
    "argv in json": (f'["app","--token","{WORD}"]', "Horse", ""),
    "join": (
        f"kubeadm join 10.0.0.4:6443 --token {TOKEN} --discovery-token-ca-cert-hash sha256:ab",
        "0123456789",
        "sha256:ab",
    ),
    "certificate key": (f"--control-plane --certificate-key {HEX}", "0123456789abcdef", ""),
    "certificate key below": (
        f"[upload-certs] Using certificate key:\n{HEX}\nnext",
        "0123456789abcdef",
        "next",
    ),
    "bootstrap token alone": (
        f"[bootstrap-token] Using token: {TOKEN}",
        "0123456789",
        "[bootstrap-token] Using token: ",
    ),
    "certificateKey": (f"certificateKey: {HEX}", "0123456789abcdef", ""),
    # Headers and URLs.
    "bearer": ("Authorization: Bearer abc.def-1", "abc.def", "Authorization: "),
    "basic": ("> authorization: Basic dXNlcjpwYXNz", "dXNlc", ""),
    "signature of AWS": (
        "Authorization: AWS4-HMAC-SHA256 Credential=A/2026, Signature=00ff00ff",
        "00ff00ff",
        "",
    ),
    "header on a command line": (
        f"curl -H 'Authorization: token {WORD}' https://x/y",
        "Horse",
        "https://x/y",
    ),
    "headers in json": ('{"Authorization":"Bearer abc-1","Host":"x"}', "abc-1", '"Host":"x"}'),
    "bearer alone": ("request with bearer abcdefgh1234 failed", "abcdefgh1234", "failed"),
    "session token header": ("x-amz-security-token: IQoJb3Jp", "IQoJb3Jp", ""),
    "metadata token": ("X-aws-ec2-metadata-token: AQAEAx==", "AQAEAx", ""),
    "api key": ("X-Api-Key: abc", "abc", ""),
    "cookie": ("Cookie: sid=abc; other=def\nHost: x", "abc|def", "Host: x"),
    "set-cookie": ("set-cookie: sid=abc; Path=/", "abc", ""),
    "url": (f"cloning https://user:{WORD}@example.com/x.git", "Horse", "@example.com/x.git"),
    "url with a token": ("https://0123456789abcdef0123@example.com/x", "0123456789abcdef", "@example.com/x"),
    "signed url": (
        "GET https://b/k?X-Amz-Credential=AK%2F1&X-Amz-Signature=00ff&X-Amz-Date=1",
        "00ff|AK%2F1",
        "X-Amz-Date=1",
    ),
    "shared access signature": ("https://s/k?sv=1&sig=a%2Bb&se=2", "a%2Bb", "se=2"),
    # Keys and tokens that are known by their form.
    "pem": (f"before\n{PEM}\nafter", "MIIEpA|c2Vjc", "after"),
    "pem cut off": (f"before\n-----BEGIN PRIVATE KEY-----\n{BODY}", "MIIEpA|c2Vjc", "before"),
    "pem without its beginning": (
        f"{'A' * 64}\n{BODY.replace(chr(10), 'A' * 45 + chr(10))}-----END PRIVATE KEY-----\nafter",
        "c2Vjc",
        "after",
    ),
    "pem in json": (json.dumps({"key": PEM, "x": 1}), "MIIEpA|c2Vjc", '"x": 1'),
    "kubeconfig": (f"    client-key-data: {PEM64}\n    x: 1", "LS0tLS|" + PEM64[-30:-2], "    x: 1"),
    "kubeconfig wrapped": (f"client-key-data: {WRAPPED}\nx: 1", WRAPPED[-30:-2] + "|" + PEM64[64:90], "x: 1"),
    "jwt": (f"token review of {JWT} failed", "eyJ|c2ln", "failed"),
    "key id": ("user AKIAIOSFODNN7EXAMPLE is not authorized", "AKIA", "is not authorized"),
    "session token of AWS": ("using IQoJb3JpZ2luX2VjEHoaCWV1LXdlc3QtMSJHMEUCIQ now", "IQoJ", "now"),
    "token of GitHub": ("fatal: ghp_0123456789abcdefABCDEF0123456789abcd", "ghp_", ""),
    # UTF-16, read as bytes.
    "utf-16": (utf16(f"token={WORD}\r\nport=1\r\n"), "Horse|H\0o\0r", "port=1"),
    "utf-16 with a mark": (
        "\xff\xfe" + utf16(f"DB_PASSWORD: {WORD}\r\nport: 1\r\n"),
        "Horse|H\0o\0r",
        "port: 1",
    ),
    "utf-16 big endian": (utf16(f"password={WORD}\nport=1\n", "utf-16-be"), "Horse|H\0o\0r", "port=1"),
    "utf-16 in the middle": ("nssm: " + utf16(f"Password={WORD} x"), "Horse|H\0o\0r", "nssm: "),
}

# What must come out unchanged. Sources of the forms: kubelet and kubeadm 1.35, containerd 2.2, cloud-init 25,
# systemd, sshd, sudo, flanneld 0.28, kube-proxy, etcd 3.6, EC2Launch.
NORMAL = (Path(__file__).parent / "normal.log").read_text().strip("\n")
