"""Answers questions about tokens with the real PyJWT: a JSON list of questions in, a JSON list of answers out."""
import base64
import json
import sys

import jwt


def encode(question):
    return jwt.encode(question["claims"], question["key"], question["algorithm"], headers=question.get("headers"))


def decode(question):
    leeway = question.get("leeway", 0)
    return jwt.decode(question["token"], question["key"], algorithms=question["algorithms"], leeway=leeway)


def words(question):
    """The two steps in which flask-jwt-extended decodes a token."""
    try:
        jwt.decode(question["token"], algorithms=question["algorithms"], options={"verify_signature": False})
        jwt.get_unverified_header(question["token"])
        decode(question)
        return None
    except jwt.PyJWTError as error:
        return str(error)
    except Exception as error:
        return "crash: " + type(error).__name__


def json_fault(question):
    try:
        json.loads(base64.b64decode(question["base64"]))
        return None
    except ValueError as error:
        return str(error)
    except RecursionError:
        return None


json.dump([globals()[question["ask"]](question) for question in json.load(sys.stdin)], sys.stdout)
