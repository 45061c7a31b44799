"""The PyTorch form of CALNet written as its authors would, for Debian's PyTorch.

Run as a program, so that nothing here needs PyTorch: ``torch_port.py FOLDER WEIGHTS`` writes
``port.pt``, ``checkpoint.pth``, ``whole.pt``, ``old.pt`` and what the network answers.
"""

import sys
from pathlib import Path

import numpy as np
import torch  # type: ignore[import-not-found]
from torch import nn

SPREAD = 3.0
"""How much wider than PyTorch draws them the weights are."""


class ChannelGate(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Conv1d(n, n // 8, 1, bias=False), nn.ReLU(), nn.Conv1d(n // 8, n, 1, bias=False)
        )

    def forward(self, x):
        mean, largest = x.mean(2, keepdim=True), x.max(2, keepdim=True).values
        return x * torch.sigmoid(self.mlp(mean) + self.mlp(largest))


class StepGate(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(2, 1, 7, padding=3, bias=False)

    def forward(self, x):
        both = torch.cat([x.mean(1, keepdim=True), x.max(1, keepdim=True).values], 1)
        return x * torch.sigmoid(self.conv(both))


def block(n_in, n, *, gated=True):
    layers = [nn.Conv1d(n_in, n, 7, padding=3), nn.ReLU()]
    if gated:
        layers += [ChannelGate(n), StepGate()]
    return nn.Sequential(*layers, nn.MaxPool1d(4))


class Port(nn.Module):
    def __init__(self):
        super().__init__()
        self.lc = nn.Sequential(block(1, 64), block(64, 128), block(128, 256, gated=False))
        self.lc_lstm = nn.LSTM(256, 128, num_layers=2, batch_first=True)
        self.gls = nn.Sequential(block(1, 32), block(32, 64))
        self.gls_lstm = nn.LSTM(64, 64, num_layers=2, batch_first=True)
        self.fc1 = nn.Linear(7936, 1024)
        self.drop = nn.Dropout(0.5)
        self.fc2 = nn.Linear(1024, 2)

    def hidden(self, flux, power):
        one, _ = self.lc_lstm(self.lc(flux).permute(0, 2, 1))
        two, _ = self.gls_lstm(self.gls(power).permute(0, 2, 1))
        one, two = one.flatten(1), two.flatten(1)
        return torch.sigmoid(self.fc1(one + torch.cat([two, two], 1)))

    def forward(self, flux, power):
        return torch.softmax(self.fc2(self.drop(self.hidden(flux, power))), 1)


def main(folder, segments):
    torch.manual_seed(7)
    torch.set_num_threads(1)
    model = Port().eval()
    held = np.load(segments)
    flux, power = (torch.from_numpy(held[name])[:, None] for name in ("flux", "power"))
    is_eb = torch.from_numpy(held["is_eb"]).float()
    with torch.no_grad():
        for weight in model.parameters():  # as drawn, all segments look nearly alike to the head
            weight.mul_(SPREAD if weight.dim() > 1 else 1)
        # A head that tells binaries by what the fresh layers below make of them: ridge regression.
        seen = model.hidden(flux, power)
        centred = seen - seen.mean(0)
        gram = centred @ centred.T
        gram += 0.1 * gram.trace() / len(gram) * torch.eye(len(gram))
        slope = 2 * centred.T @ torch.linalg.solve(gram, is_eb - is_eb.mean())
        model.fc2.weight[:] = torch.stack([0 * slope, slope])
        model.fc2.bias[:] = torch.stack([torch.zeros(()), -(seen.mean(0) @ slope)])
    with torch.no_grad():
        np.save(folder / "answer.npy", model(flux, power).numpy())
    state = model.state_dict()
    torch.save(state, folder / "port.pt")
    torch.save({"epoch": 1, "model_state_dict": state, "loss": 0.1}, folder / "checkpoint.pth")
    torch.save(model, folder / "whole.pt")
    torch.save(state, folder / "old.pt", _use_new_zipfile_serialization=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
