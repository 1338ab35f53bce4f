#!/usr/bin/env python3
"""Makes the small PyTorch files of this folder (torch 1.13): hostile ones, and one in the format before 1.6.

  os_system.pth         ZIP checkpoint whose pickle calls os.system
  os_system_inside.pth  a fitting state dict beside an entry that calls os.system
  os_system_plain.pth   a bare pickle that calls os.system
  eval_stack_global.pth protocol 4: builtins.eval through STACK_GLOBAL
  legacy.pth            the micro model of golden/formats as torch.save wrote it before 1.6
  tensor_only.pth       a checkpoint that holds one tensor and no dict
"""
import collections, os, pickle, sys
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "golden"))
import reference


class Call:
    def __init__(self, function, *args): self.function, self.args = function, args
    def __reduce__(self): return self.function, self.args


out = lambda name: os.path.join(HERE, name)
attack = Call(os.system, "touch tandem_was_here")
W = reference.load_safetensors(os.path.join(HERE, "..", "golden", "formats", "plain.safetensors"))
torch.save(attack, out("os_system.pth"))
torch.save({"model": W, "extra": attack}, out("os_system_inside.pth"))
pickle.dump(attack, open(out("os_system_plain.pth"), "wb"), 2)
torch.save({"model": Call(eval, "open('tandem_was_here', 'w')")}, out("eval_stack_global.pth"), pickle_protocol=4)
torch.save(collections.OrderedDict(W), out("legacy.pth"), _use_new_zipfile_serialization=False)
torch.save(torch.zeros(3), out("tensor_only.pth"))
