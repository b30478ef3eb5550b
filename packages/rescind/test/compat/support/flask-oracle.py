"""Asks the real flask-jwt-extended: a JSON list of applications with requests in, a JSON list of lists of answers out."""
import json
import sys
import warnings

warnings.simplefilter("ignore")

from flask import Flask, jsonify
from flask_jwt_extended import JWTManager, get_jwt, get_jwt_identity, get_jwt_request_location, jwt_required

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def answers(application):
    app = Flask(__name__)
    app.config.update(application["config"], PROPAGATE_EXCEPTIONS=False)
    JWTManager(app)

    @app.route("/", methods=METHODS)
    @jwt_required(**application["arguments"])
    def protected():
        return jsonify(identity=get_jwt_identity(), location=get_jwt_request_location(), claims=get_jwt())

    client = app.test_client(use_cookies=False)
    for request in application["requests"]:
        response = client.open(
            "/" + request.get("query", ""),
            method=request.get("method", "GET"),
            headers=request.get("headers", {}),
            data=request.get("data"),
        )
        yield {"status": response.status_code, "body": response.get_json(silent=True)}


json.dump([list(answers(application)) for application in json.load(sys.stdin)], sys.stdout)
