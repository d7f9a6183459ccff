# Every benchmark target prints and runs one densebench line. `make help` lists them.
#   make ade20k CHECKPOINT=my_vit.pth DATA_ROOT=my_data ARGS="train.iterations=20"
#   make run BENCHMARK=roofs.toml CHECKPOINT=my_vit.pth DATA_ROOT=my_data

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

CHECKPOINT ?=
BENCHMARK ?=
NAME ?=
PROTOCOL ?=
DATA_ROOT ?= data
RESULTS ?= results
DEVICE ?= auto
GPUS ?= 1
SEED ?= 0
LIMIT ?=
FROM ?=
CONFIG ?= specialization blocks artifacts sizes deit3
IMAGES ?=
ARGS ?=

RUN = $(BIN)/densebench run $(1) --checkpoint "$(CHECKPOINT)" --data-root "$(DATA_ROOT)" --results "$(RESULTS)" \
	--device $(DEVICE) --gpus $(GPUS) --seed $(SEED) $(if $(NAME),--name "$(NAME)") $(if $(PROTOCOL),--protocol $(PROTOCOL)) \
	$(if $(LIMIT),--limit $(LIMIT)) $(ARGS)

.DEFAULT_GOAL := help
.PHONY: help install demo test lint format speed run ade20k voc cityscapes nyu kitti sunrgbd knn linear logreg imagenet depth seg all list check analyze leaderboard ablation ablation-mini report need-benchmark need-checkpoint

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9%-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  Variables: BENCHMARK CHECKPOINT NAME PROTOCOL DATA_ROOT RESULTS DEVICE GPUS SEED LIMIT FROM CONFIG IMAGES ARGS PYTHON"

install: $(STAMP) ## create .venv and install the pinned packages, again only when the pins change

$(STAMP): requirements.txt setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP) ## train, evaluate and compare small models on rendered data: no network, no weights, a few minutes
	$(BIN)/densebench demo --results "$(RESULTS)"

test: $(STAMP) ## run the tests
	$(BIN)/python -m pytest $(ARGS)

lint: $(STAMP) ## check style, formatting, and that imports run one way
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo --no-cache

format: $(STAMP) ## correct style and formatting
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

speed: $(STAMP) ## compare the speed of our loss, inference and training step with the stock ones
	$(BIN)/python tests/speed/segmentation.py
	$(BIN)/python tests/speed/backbones.py
	$(BIN)/python tests/speed/report.py

run: $(STAMP) need-benchmark need-checkpoint ## any benchmarks, or your own data: make run BENCHMARK=roofs.toml CHECKPOINT=my_vit.pth
	$(call RUN,$(BENCHMARK))

ade20k: $(STAMP) need-checkpoint ## linear segmentation on ADE20K: mIoU
	$(call RUN,ade20k)

voc: $(STAMP) need-checkpoint ## linear segmentation on VOC2012: mIoU
	$(call RUN,voc2012)

cityscapes: $(STAMP) need-checkpoint ## linear segmentation on Cityscapes: mIoU
	$(call RUN,cityscapes)

nyu: $(STAMP) need-checkpoint ## linear depth on NYU Depth v2: RMSE
	$(call RUN,nyu)

kitti: $(STAMP) need-checkpoint ## linear depth on KITTI: RMSE
	$(call RUN,kitti)

sunrgbd: $(STAMP) need-checkpoint ## linear depth on SUN RGB-D with a head trained on NYU: RMSE
	$(call RUN,sunrgbd)

knn: $(STAMP) need-checkpoint ## ImageNet by nearest neighbours: top-1
	$(call RUN,imagenet-knn)

linear: $(STAMP) need-checkpoint ## ImageNet by linear probes: top-1
	$(call RUN,imagenet-linear)

logreg: $(STAMP) need-checkpoint ## ImageNet by logistic regression: top-1
	$(call RUN,imagenet-logreg)

imagenet: $(STAMP) need-checkpoint ## every ImageNet benchmark, with features computed once
	$(call RUN,imagenet)

depth: $(STAMP) need-checkpoint ## every depth benchmark whose data is present
	$(call RUN,depth)

seg: $(STAMP) need-checkpoint ## every segmentation benchmark whose data is present
	$(call RUN,seg)

all: $(STAMP) need-checkpoint ## every benchmark whose data is present
	$(call RUN,all)

list: $(STAMP) ## benchmarks, protocols, and which data is present
	$(BIN)/densebench list --data-root "$(DATA_ROOT)"

check: $(STAMP) need-checkpoint ## check a checkpoint before spending hours on it
	$(BIN)/densebench check --checkpoint "$(CHECKPOINT)" --device $(DEVICE) $(ARGS)

leaderboard: $(STAMP) ## make results/leaderboard.* from the records and print it
	$(BIN)/densebench leaderboard --results "$(RESULTS)" $(ARGS)

ablation: $(STAMP) ## fill the tables of configs/ablations/ from the records: make ablation CONFIG=specialization
	$(BIN)/densebench ablation $(CONFIG) --results "$(RESULTS)" $(ARGS)

report: $(STAMP) ## make results/report.html from the records: tables, plots, pictures, and the record behind each number
	$(BIN)/densebench report --results "$(RESULTS)" $(ARGS)

ablation-mini: $(STAMP) ## train three variants on rendered data, evaluate and compare them: a few minutes on two cores
	$(BIN)/densebench ablation-mini --results "$(RESULTS)"

data-%: $(STAMP) ## put a dataset into its official layout: make data-voc2012 FROM="VOCtrainval_11-May-2012.tar"
	$(BIN)/densebench data $* --data-root "$(DATA_ROOT)" $(if $(FROM),--from $(FROM)) $(ARGS)

analyze: $(STAMP) need-checkpoint ## figures of what tokens look like inside; side by side: CHECKPOINT="a.pth b.pth"; pictures: IMAGES=folder
	$(BIN)/densebench analyze $(if $(IMAGES),"$(IMAGES)") $(foreach each,$(CHECKPOINT),--checkpoint "$(each)") \
		--results "$(RESULTS)" --device $(DEVICE) $(if $(LIMIT),--limit $(LIMIT)) $(ARGS)

need-benchmark:
	@test -n "$(BENCHMARK)" || { echo "error: say which benchmark: make run BENCHMARK=roofs.toml (make list shows the names)" >&2; exit 2; }

need-checkpoint:
	@test -n "$(CHECKPOINT)" || { echo "error: say which checkpoint: make $(MAKECMDGOALS) CHECKPOINT=my_vit.pth (or CHECKPOINT=pixels for the baseline)" >&2; exit 2; }
