# A guarded route as the documentation of flask-jwt-extended sets one up with a blocklist in Redis.
import os
import time

import redis
from flask import Flask, jsonify
from flask_jwt_extended import JWTManager, get_jwt_identity, jwt_required

app = Flask(__name__)
app.config["JWT_SECRET_KEY"] = os.environ["BENCH_SECRET"]
jwt = JWTManager(app)
blocklist = redis.StrictRedis.from_url(os.environ["BENCH_REDIS_URL"], decode_responses=True)


@jwt.token_in_blocklist_loader
def is_revoked(_header, payload):
    return blocklist.get("revoked:" + payload["jti"]) is not None


@app.get("/")
@jwt_required()
def guarded():
    return jsonify(sub=get_jwt_identity())


@app.get("/usage")
def usage():
    return jsonify(cpuMicros=time.process_time() * 1e6, atMs=time.monotonic() * 1e3)
