#!/usr/bin/env python3
"""Train the press cell's autoencoder from simulated good strokes.

Runs the cell in virtual time with all defects switched off, takes every stroke's force over displacement from the
exported logs, trains a small dense autoencoder (numpy only), and writes beside each other

    models/stroke.onnx           the model; inputs are normalised so that the threshold of its score is exactly 1
    models/stroke.toml           its description: shapes, units, normalisation, threshold, provenance
    models/stroke.golden.json    one stroke and what the model has to make of it

Needs numpy and onnx (`python3 -m pip install numpy onnx`) and the `sensai` binary:

    python3 train/train.py --sensai ../../target/release/sensai
"""

import argparse
import csv
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CELL = pathlib.Path(__file__).resolve().parent.parent
FROM, TO, LENGTH = 39.0, 42.9, 64
DEFECTS = ["missing", "double", "crack", "material", "worn"]
TRAINING_SEEDS = range(1001, 1009)
VALIDATION_SEEDS = range(2001, 2004)
LAYERS = [LENGTH, 24, 6, 24, LENGTH]


def collecting_cell(directory):
    """A copy of the cell that presses whatever comes: nothing is judged, nothing is held."""
    shutil.copytree(CELL, directory)
    path = directory / "cell.toml"
    text = path.read_text()
    text = re.sub(r"count = \d+\n", "count = 1000000\n", text)
    text = re.sub(r"limit( *)= \{ default = [0-9.]+", r"limit\1= { default = 1000.0", text)
    path.write_text(text)


def strokes(sensai, cell, seed, cycles, parameters, scratch):
    """Curves (n × LENGTH, newtons) and kinds of part, of one virtual run."""
    log = scratch / f"{seed}.snlog"
    table = scratch / f"{seed}.csv"
    command = [sensai, "run", cell, "--virtual", "--quiet", "--cycles", cycles, "--seed", seed, "--log", log]
    for name, value in parameters.items():
        command += ["--sim-param", f"{name}={value}"]
    # A latched fault would leave strokes out: it ends the training.
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([sensai, "log", "export", str(log), "--csv", str(table)], check=True, stdout=subprocess.DEVNULL)
    log.unlink()
    curves, kinds = [], []
    grid = np.linspace(FROM, TO, LENGTH)
    depth, force, kind = [], [], 0
    with table.open(newline="") as file:
        names = [re.sub(r" \[.*\]$", "", name) for name in next(csv.reader(file))]  # without units
        for row in csv.DictReader(file, names):
            if row["pressing"] == "true":
                depth.append(float(row["ram.position"]))
                force.append(float(row["force.ram"]))
                kind = sum(1 << bit for bit in range(3) if row[f"part.kind[{bit}]"] == "true")
            elif depth:
                if len(depth) > 20:
                    curves.append(at(grid, np.array(depth), np.array(force)))
                    kinds.append(kind)
                depth, force = [], []
    table.unlink()
    return np.array(curves), np.array(kinds)


def at(grid, depth, force):
    """As the runtime captures a curve: the first time the depth is reached, by linear interpolation; what was never
    reached has the last value."""
    curve = np.zeros(len(grid))
    place = 0
    before = (depth[0], force[0])
    for now in zip(depth, force):
        while place < len(grid) and now[0] >= grid[place]:
            span = now[0] - before[0]
            share = 1.0 if span == 0.0 else min(max((grid[place] - before[0]) / span, 0.0), 1.0)
            curve[place] = before[1] + (now[1] - before[1]) * share
            place += 1
        before = now
    curve[place:] = curve[place - 1] if place else 0.0
    return curve


def forward(weights, x):
    values = [x]
    for index, (w, b) in enumerate(weights):
        x = x @ w + b
        if index + 1 < len(weights):
            x = np.tanh(x)
        values.append(x)
    return values


def train(data, random, rounds):
    """Adam on the mean squared error."""
    weights = []
    for n, m in zip(LAYERS, LAYERS[1:]):
        weights.append([random.normal(0.0, (1.0 / n) ** 0.5, (n, m)), np.zeros(m)])
    moments = [[np.zeros_like(p) for p in pair] for pair in weights]
    squares = [[np.zeros_like(p) for p in pair] for pair in weights]
    step = 0
    for round_ in range(rounds):
        rate = 3e-3 * 0.5 * (1.0 + np.cos(np.pi * round_ / rounds)) + 1e-5
        order = random.permutation(len(data))
        for start in range(0, len(order), 64):
            batch = data[order[start : start + 64]]
            values = forward(weights, batch)
            error = 2.0 * (values[-1] - batch) / batch.size
            step += 1
            for index in reversed(range(len(weights))):
                w, _ = weights[index]
                gradients = [values[index].T @ error, error.sum(axis=0)]
                if index > 0:
                    error = (error @ w.T) * (1.0 - values[index] ** 2)
                for part, gradient in enumerate(gradients):
                    m, s = moments[index], squares[index]
                    m[part] = 0.9 * m[part] + 0.1 * gradient
                    s[part] = 0.999 * s[part] + 0.001 * gradient**2
                    mean = m[part] / (1.0 - 0.9**step)
                    square = s[part] / (1.0 - 0.999**step)
                    weights[index][part] = weights[index][part] - rate * mean / (np.sqrt(square) + 1e-8)
    return weights


def scores(weights, data):
    return ((forward(weights, data)[-1] - data) ** 2).mean(axis=1)


def to_onnx(weights):
    nodes, constants, name = [], [], "curve"
    for index, (w, b) in enumerate(weights):
        constants.append(numpy_helper.from_array(w.astype(np.float32), f"w{index}"))
        constants.append(numpy_helper.from_array(b.astype(np.float32), f"b{index}"))
        last = index + 1 == len(weights)
        sum_ = "reconstruction" if last else f"sum{index}"
        nodes.append(helper.make_node("Gemm", [name, f"w{index}", f"b{index}"], [sum_], name=f"layer{index}"))
        if not last:
            nodes.append(helper.make_node("Tanh", [sum_], [f"layer{index}"], name=f"tanh{index}"))
        name = f"layer{index}"
    tensor = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, LENGTH])
    graph = helper.make_graph(nodes, "stroke", [tensor("curve")], [tensor("reconstruction")], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="press-cell/train")
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model.SerializeToString()


def write(weights, mean, scale, golden, provenance):
    models = CELL / "models"
    models.mkdir(exist_ok=True)
    data = to_onnx(weights)
    (models / "stroke.onnx").write_bytes(data)
    numbers = lambda values: "[" + ", ".join(f"{value:.9g}" if "." in f"{value:.9g}" or "e" in f"{value:.9g}" else f"{value:.9g}.0" for value in values) + "]"
    lines = [
        'title = "force over displacement of a good stroke, dense autoencoder"',
        f'sha256 = "{hashlib.sha256(data).hexdigest()}"',
        'score = "reconstruction_error"',
        "threshold = 1.0",
        'golden = "stroke.golden.json"',
        "",
        "[[inputs]]",
        'name = "curve"',
        f"shape = [1, {LENGTH}]",
        'unit = "N"',
        f"mean = {numbers(mean)}",
        f"scale = {numbers(scale)}",
        "",
        "[[outputs]]",
        'name = "reconstruction"',
        f"shape = [1, {LENGTH}]",
        "",
        "[provenance]",
    ]
    lines += [f"{key} = {json.dumps(value)}" for key, value in provenance.items()]
    (models / "stroke.toml").write_text("\n".join(lines) + "\n")
    x = ((golden - mean) / scale).astype(np.float32)
    y = forward([(w.astype(np.float32), b.astype(np.float32)) for w, b in weights], x)[-1]
    vector = {"inputs": [float(v) for v in x], "outputs": [float(v) for v in y], "tolerance": 1e-3}
    (models / "stroke.golden.json").write_text(json.dumps(vector) + "\n")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--sensai", default="sensai", help="the binary (default: sensai)")
    arguments.add_argument("--cycles", type=int, default=120_000, help="cycles of each run")
    arguments.add_argument("--rounds", type=int, default=150, help="training rounds")
    arguments.add_argument("--untrained", action="store_true", help="a model without training, to begin with")
    options = arguments.parse_args()
    random = np.random.default_rng(20)
    if options.untrained:
        weights = [[random.normal(0.0, 0.1, (n, m)), np.zeros(m)] for n, m in zip(LAYERS, LAYERS[1:])]
        write(weights, np.zeros(LENGTH), np.ones(LENGTH), np.zeros(LENGTH), {"trained_by": "nobody"})
        return
    with tempfile.TemporaryDirectory() as name:
        scratch = pathlib.Path(name)
        cell = scratch / "cell"
        collecting_cell(cell)
        none = dict.fromkeys(DEFECTS, 0.0)
        collect = lambda seeds: np.concatenate(
            [strokes(options.sensai, cell, seed, options.cycles, none, scratch)[0] for seed in seeds]
        )
        good, held_out = collect(TRAINING_SEEDS), collect(VALIDATION_SEEDS)
    print(f"{len(good)} good strokes to train on, {len(held_out)} to set the threshold")
    # One scale for the whole curve keeps the small forces small; the noise floor keeps it from being nothing.
    mean = good.mean(axis=0)
    scale = np.maximum(good.std(axis=0), 0.25 * good.std(axis=0).max())
    weights = train((good - mean) / scale, random, options.rounds)
    score = scores(weights, (held_out - mean) / scale)
    threshold = 1.6 * np.quantile(score, 0.999)
    print(f"score of good strokes: median {np.median(score):.4f}, largest {score.max():.4f}; threshold {threshold:.4f}")
    # Put the threshold at 1: smaller inputs by its root, and weights that do not notice.
    root = threshold**0.5
    weights[0][0] = weights[0][0] * root
    weights[-1][0], weights[-1][1] = weights[-1][0] / root, weights[-1][1] / root
    provenance = {
        "trained_by": "train/train.py",
        "strokes": len(good),
        "training_seeds": [TRAINING_SEEDS.start, TRAINING_SEEDS.stop - 1],
        "validation_seeds": [VALIDATION_SEEDS.start, VALIDATION_SEEDS.stop - 1],
        "validation_score_max": float(score.max() / threshold),
    }
    write(weights, mean, scale * root, held_out[0], provenance)


if __name__ == "__main__":
    sys.exit(main())
