"""Sixty honest teams, and five that have somebody else's work, to try the search for similar work.

Every honest team draws, for each exercise, one of several ways to solve it, and within it how each
step is written; then names, comments, spacing and helpers of its own.  So the common ways are shared
by many, as they are in a real class.  A copy gets other names, another order, another layout, other
comments, and here and there a line that is written differently.
"""

# ruff: noqa: E501 - what students write has lines as long as they like

from __future__ import annotations

import random
import re
from collections.abc import Iterator

import nbformat
from nbformat.notebooknode import NotebookNode

from grader.authoring import build
from grader.authoring.source_text import with_solutions

NOTEBOOK = "01_implementing_cnn"

# $x is a name of the team's own; «a¦b» is a choice; a list holds different ways to do it.
WAYS: dict[str, list[str]] = {
    "same_padding": [
        """
«$out = -(-size // stride)¦$out = (size + stride - 1) // stride¦$out = int(np.ceil(size / stride))¦$out = size // stride + (size % stride > 0)»
$all = max(($out - 1) * stride + kernel - size, 0)
«$left = $all // 2¦$left = int($all / 2)¦$left, _ = divmod($all, 2)»
return $left, «$all - $left¦$all // 2 + $all % 2¦($all + 1) // 2», $out
""",
        """
«if size % stride == 0:
    $all = max(kernel - stride, 0)
else:
    $all = max(kernel - size % stride, 0)¦$rest = size % stride or stride
$all = kernel - $rest if kernel > $rest else 0»
$left = $all // 2
«$right = $all - $left
return $left, $right, -(-size // stride)¦return ($left, $all - $left, (size - 1) // stride + 1)»
""",
        """
$out = 0
«while $out * stride < size:
    $out += 1¦for _ in range(0, size, stride):
    $out = $out + 1»
$all = ($out - 1) * stride + kernel - size
«if $all < 0:
    $all = 0¦$all = $all if $all > 0 else 0»
return $all // 2, $all - $all // 2, $out
""",
    ],
    "conv2d_forward": [
        """
«$n, $h, $wd, $c = x.shape
$kh, $kw, _, $f = w.shape¦$kh, $kw = w.shape[:2]
$f = w.shape[3]
$n = x.shape[0]¦$n = len(x)
($kh, $kw, $c, $f) = w.shape»
«$sh, $sw = stride¦$sh = stride[0]
$sw = stride[1]»
«if padding == "SAME":
    $t, $bt, $oh = same_padding(x.shape[1], $kh, $sh)
    $l, $r, $ow = same_padding(x.shape[2], $kw, $sw)
    $xp = np.pad(x, ((0, 0), ($t, $bt), ($l, $r), (0, 0)))
else:
    $xp = x
    $oh = (x.shape[1] - $kh) // $sh + 1
    $ow = (x.shape[2] - $kw) // $sw + 1¦$t = $bt = $l = $r = 0
if padding == "SAME":
    $t, $bt, _ = same_padding(x.shape[1], $kh, $sh)
    $l, $r, _ = same_padding(x.shape[2], $kw, $sw)
$xp = np.pad(x, [(0, 0), ($t, $bt), ($l, $r), (0, 0)], mode="constant")
$oh = ($xp.shape[1] - $kh) // $sh + 1
$ow = ($xp.shape[2] - $kw) // $sw + 1¦$xp, $oh, $ow = $helper(x, $kh, $kw, $sh, $sw, padding)»
«$y = np.zeros(($n, $oh, $ow, $f))¦$y = np.empty(($n, $oh, $ow, $f), dtype=float)»
«for $i in range($oh):
    for $j in range($ow):¦for $i, $j in np.ndindex($oh, $ow):
    if True:»
        «$win = $xp[:, $i * $sh : $i * $sh + $kh, $j * $sw : $j * $sw + $kw]¦$top, $lft = $i * $sh, $j * $sw
        $win = $xp[:, $top : $top + $kh, $lft : $lft + $kw, :]»
        «$y[:, $i, $j] = np.tensordot($win, w, axes=3) + b¦$y[:, $i, $j, :] = np.tensordot($win, w, axes=([1, 2, 3], [0, 1, 2])) + b¦for $k in range($f):
            $y[:, $i, $j, $k] = ($win * w[..., $k]).sum(axis=(1, 2, 3)) + b[$k]¦$y[:, $i, $j] = np.einsum("nhwc,hwcf->nf", $win, w)
        $y[:, $i, $j] += b»
return $y
""",
        """
$kh, $kw, $c, $f = w.shape
«$xp, $oh, $ow = $helper(x, $kh, $kw, stride[0], stride[1], padding)¦$xp, $oh, $ow = $helper(x, $kh, $kw, *stride, padding)»
$y = np.zeros((x.shape[0], $oh, $ow, $f))
«for $i in range($kh):
    for $j in range($kw):¦for $i, $j in np.ndindex($kh, $kw):
    if True:»
        «$part = $xp[:, $i : $i + stride[0] * $oh : stride[0], $j : $j + stride[1] * $ow : stride[1]]
        $y += $part @ w[$i, $j]¦$rows = $i + stride[0] * np.arange($oh)
        $cols = $j + stride[1] * np.arange($ow)
        $y += np.dot($xp[:, $rows][:, :, $cols], w[$i, $j])»
«return $y + b¦$y = $y + b.reshape(1, 1, 1, -1)
return $y»
""",
    ],
    "conv2d_backward": [
        """
$kh, $kw, «_, _¦$c, $f» = w.shape
«$sh, $sw = stride
¦$sh, $sw = stride[0], stride[1]
»«$xp, $oh, $ow = $helper(x, $kh, $kw, $sh, $sw, padding)¦$oh, $ow = dy.shape[1:3]
$xp = $helper(x, $kh, $kw, $sh, $sw, padding)[0]»
$dx = np.zeros(«$xp.shape¦$xp.shape, dtype=float»)
$dw = np.zeros_like(«w, dtype=float¦w * 1.0»)
for $i in range(«$oh¦dy.shape[1]»):
    for $j in range(«$ow¦dy.shape[2]»):
        «$a, $e = $i * $sh, $j * $sw
        $win = $xp[:, $a : $a + $kh, $e : $e + $kw]
        $g = dy[:, $i, $j]
        $dw += np.einsum("nhwc,nf->hwcf", $win, $g)
        $dx[:, $a : $a + $kh, $e : $e + $kw] += np.einsum("nf,hwcf->nhwc", $g, w)¦$sl = np.s_[:, $i * $sh : $i * $sh + $kh, $j * $sw : $j * $sw + $kw]
        $dw = $dw + np.tensordot($xp[$sl], dy[:, $i, $j], axes=([0], [0]))
        $dx[$sl] = $dx[$sl] + np.tensordot(dy[:, $i, $j], w, axes=([1], [3]))¦for $k in range(dy.shape[0]):
            $win = $xp[$k, $i * $sh : $i * $sh + $kh, $j * $sw : $j * $sw + $kw]
            $dw += $win[..., None] * dy[$k, $i, $j]
            $dx[$k, $i * $sh : $i * $sh + $kh, $j * $sw : $j * $sw + $kw] += w @ dy[$k, $i, $j]»
«$db = dy.sum(axis=(0, 1, 2))¦$db = np.sum(dy, (0, 1, 2))¦$db = dy.reshape(-1, dy.shape[-1]).sum(0)»
«if padding == "SAME":
    $t = same_padding(x.shape[1], $kh, $sh)[0]
    $l = same_padding(x.shape[2], $kw, $sw)[0]
    $dx = $dx[:, $t : $t + x.shape[1], $l : $l + x.shape[2]]¦$t, $l = ($xp.shape[1] - x.shape[1]) // 2, ($xp.shape[2] - x.shape[2]) // 2
$dx = $dx[:, $t : $t + x.shape[1], $l : $l + x.shape[2], :]»
return $dx, $dw, $db
""",
        """
$kh, $kw, $c, $f = w.shape
$xp, $oh, $ow = $helper(x, $kh, $kw, stride[0], stride[1], padding)
$dx, $dw = np.zeros($xp.shape), np.zeros(w.shape)
for $i in range($kh):
    for $j in range($kw):
        $sl = np.s_[:, $i : $i + stride[0] * $oh : stride[0], $j : $j + stride[1] * $ow : stride[1]]
        «$dw[$i, $j] = np.tensordot($xp[$sl], dy, axes=([0, 1, 2], [0, 1, 2]))
        $dx[$sl] += dy @ w[$i, $j].T¦$dw[$i, $j] = $xp[$sl].reshape(-1, $c).T @ dy.reshape(-1, $f)
        $dx[$sl] += np.einsum("nhwf,cf->nhwc", dy, w[$i, $j])»
$t = ($xp.shape[1] - x.shape[1]) // 2
$l = ($xp.shape[2] - x.shape[2]) // 2
return $dx[:, $t : $t + x.shape[1], $l : $l + x.shape[2]], $dw, «dy.sum((0, 1, 2))¦np.einsum("nhwf->f", dy)»
""",
    ],
    "maxpool_forward": [
        """
«$ph, $pw = size
$sh, $sw = stride¦($ph, $pw), ($sh, $sw) = size, stride»
$xp, $oh, $ow = $helper(x, $ph, $pw, $sh, $sw, padding, «-np.inf¦float("-inf")¦x.min() - 1»)
$y = np.zeros((x.shape[0], $oh, $ow, x.shape[3]))
for $i in range($oh):
    for $j in range($ow):
        «$y[:, $i, $j] = $xp[:, $i * $sh : $i * $sh + $ph, $j * $sw : $j * $sw + $pw].max(axis=(1, 2))¦$win = $xp[:, $i * $sh : $i * $sh + $ph, $j * $sw : $j * $sw + $pw, :]
        $y[:, $i, $j, :] = np.amax($win, axis=(1, 2))»
return $y
""",
        """
$xp, $oh, $ow = $helper(x, size[0], size[1], stride[0], stride[1], padding, -np.inf)
«$y = np.full((len(x), $oh, $ow, x.shape[-1]), -np.inf)
for $i in range(size[0]):
    for $j in range(size[1]):
        $part = $xp[:, $i : $i + stride[0] * $oh : stride[0], $j : $j + stride[1] * $ow : stride[1]]
        $y = np.maximum($y, $part)
return $y¦$all = np.lib.stride_tricks.sliding_window_view($xp, size, axis=(1, 2))
return $all[:, :: stride[0], :: stride[1]].max(axis=(-2, -1))»
""",
    ],
    "conv2d_fast": [
        """
$kh, $kw, $c, $f = w.shape
$xp, $oh, $ow = $helper(x, $kh, $kw, stride[0], stride[1], padding)
«$win = np.lib.stride_tricks.sliding_window_view($xp, ($kh, $kw), axis=(1, 2))
$win = $win[:, :: stride[0], :: stride[1]]
$part = $win.transpose(0, 1, 2, 4, 5, 3).reshape(-1, $kh * $kw * $c)
return ($part @ w.reshape(-1, $f) + b).reshape(len(x), $oh, $ow, $f)¦$win = np.lib.stride_tricks.sliding_window_view($xp, ($kh, $kw), (1, 2))[:, :: stride[0], :: stride[1]]
return np.einsum("nijchw,hwcf->nijf", $win, w) + b¦$part = np.zeros((len(x), $oh, $ow, $kh, $kw, $c))
for $i in range($kh):
    for $j in range($kw):
        $part[..., $i, $j, :] = $xp[:, $i : $i + $oh * stride[0] : stride[0], $j : $j + $ow * stride[1] : stride[1]]
return np.tensordot($part, w, axes=3) + b»
""",
        """
$kh, $kw = w.shape[:2]
$xp, $oh, $ow = $helper(x, $kh, $kw, stride[0], stride[1], padding)
$rows = «np.arange($oh)[:, None] * stride[0] + np.arange($kh)¦stride[0] * np.arange($oh).reshape(-1, 1) + np.arange($kh)[None]»
$cols = «np.arange($ow)[:, None] * stride[1] + np.arange($kw)¦stride[1] * np.arange($ow).reshape(-1, 1) + np.arange($kw)[None]»
$part = $xp[:, $rows[:, None, :, None], $cols[None, :, None, :]]
return «np.tensordot($part, w, axes=([3, 4, 5], [0, 1, 2])) + b¦np.einsum("nijuvc,uvcf->nijf", $part, w, optimize=True) + b»
""",
    ],
    "maxpool_backward": [
        """
$ph, $pw = size
$xp, $oh, $ow = $helper(x, $ph, $pw, stride[0], stride[1], padding, -np.inf)
$dx = np.zeros($xp.shape)
for $i in range($oh):
    for $j in range($ow):
        «for $n in range(len(x)):
            for $c in range(x.shape[3]):
                $win = $xp[$n, $i * stride[0] : $i * stride[0] + $ph, $j * stride[1] : $j * stride[1] + $pw, $c]
                $a, $e = np.unravel_index(np.argmax($win), $win.shape)
                $dx[$n, $i * stride[0] + $a, $j * stride[1] + $e, $c] += dy[$n, $i, $j, $c]¦$win = $xp[:, $i * stride[0] : $i * stride[0] + $ph, $j * stride[1] : $j * stride[1] + $pw]
        $k = $win.reshape(len(x), -1, x.shape[3]).argmax(axis=1)
        $n, $c = np.indices($k.shape)
        np.add.at($dx, ($n, $i * stride[0] + $k // $pw, $j * stride[1] + $k % $pw, $c), dy[:, $i, $j])»
«$t = ($xp.shape[1] - x.shape[1]) // 2
$l = ($xp.shape[2] - x.shape[2]) // 2¦$t, $l = 0, 0
if padding == "SAME":
    $t, _, _ = same_padding(x.shape[1], $ph, stride[0])
    $l, _, _ = same_padding(x.shape[2], $pw, stride[1])»
return $dx[:, $t : $t + x.shape[1], $l : $l + x.shape[2]]
""",
        """
$xp, $oh, $ow = $helper(x, size[0], size[1], stride[0], stride[1], padding, -np.inf)
$y = «maxpool_forward(x, size, stride, padding)¦np.array(maxpool_forward(x, size, stride, padding))»
$dx = np.zeros_like($xp)
$rest = np.ones(dy.shape, bool)
for $i in range(size[0]):
    for $j in range(size[1]):
        $sl = np.s_[:, $i : $i + $oh * stride[0] : stride[0], $j : $j + $ow * stride[1] : stride[1]]
        «$win = ($xp[$sl] == $y) & $rest
        $dx[$sl] += np.where($win, dy, 0)
        $rest &= ~$win¦$win = np.logical_and($xp[$sl] == $y, $rest)
        $dx[$sl] += dy * $win
        $rest[$win] = False»
$t, $l = ($xp.shape[1] - x.shape[1]) // 2, ($xp.shape[2] - x.shape[2]) // 2
return $dx[:, $t : x.shape[1] + $t, $l : x.shape[2] + $l]
""",
    ],
    "build_deep": [
        """
$n, $c = w.shape
$all = 2 * $c + 3
$out = []
«$win = np.vstack([np.eye($c), -np.eye($c), np.zeros((2, $c)), w[:1]])
$out.append(($win, np.append(np.zeros(2 * $c + 2), b[0])))¦$win = np.zeros(($all, $c))
$win[:$c], $win[$c : 2 * $c], $win[-1] = np.eye($c), -np.eye($c), w[0]
$rest = np.zeros($all)
$rest[-1] = b[0]
$out.append(($win, $rest))»
for $i in range(1, $n):
    $part = np.zeros(($all, $all))
    «$part[: 2 * $c + 2, : 2 * $c + 2] = np.eye(2 * $c + 2)¦for $k in range(2 * $c + 2):
        $part[$k, $k] = 1»
    «$part[2 * $c, -1], $part[2 * $c + 1, -1] = max(a[$i - 1], 0), max(-a[$i - 1], 0)¦if a[$i - 1] > 0:
        $part[2 * $c, -1] = a[$i - 1]
    else:
        $part[2 * $c + 1, -1] = -a[$i - 1]»
    $part[-1, :$c], $part[-1, $c : 2 * $c] = w[$i], -w[$i]
    $out.append(($part, «np.append(np.zeros($all - 1), b[$i])¦np.eye($all)[-1] * b[$i]»))
«$side = np.zeros((1, $all))
$side[0, -3:] = 1, -1, a[-1]
$out.append(($side, np.zeros(1)))
return $out¦return $out + [(np.array([[0] * (2 * $c) + [1, -1, a[-1]]]), np.array([0.0]))]»
""",
        """
$c = w.shape[1]
$gap = np.eye($c)
$out = [(np.concatenate([$gap, -$gap, np.zeros((2, $c))]), np.zeros(2 * $c + 2))]
for $i, $k in enumerate(a):
    $part = np.eye(2 * $c + 3, 2 * $c + 2)
    $part[-1, : 2 * $c] = «np.concatenate([w[$i], -w[$i]])¦np.hstack((w[$i], -w[$i]))»
    $out.append(($part, np.r_[np.zeros(2 * $c + 2), b[$i]]))
    $part = np.eye(2 * $c + 2, 2 * $c + 3)
    $part[«-2 if $k > 0 else -1¦-1 - ($k > 0)», -1] = abs($k)
    $out.append(($part, np.zeros(2 * $c + 2)))
$part = np.zeros((1, 2 * $c + 2))
$part[0, -2], $part[0, -1] = 1, -1
return $out + [($part, np.zeros(1))]
""",
    ],
    "receptive_field": [
        """
«$side, $gap = 1, 1¦$side = 1
$gap = 1»
for $k, $s in layers:
    «$side += ($k - 1) * $gap¦$side = $side + $gap * ($k - 1)»
    «$gap *= $s¦$gap = $gap * $s»
return $side
""",
        """
$side = 1
for $k, $s in «reversed(layers)¦layers[::-1]»:
    $side = «($side - 1) * $s + $k¦$s * ($side - 1) + $k»
return $side
""",
        """
«return 1 + sum((k - 1) * int(np.prod([s for _, s in layers[:i]])) for i, (k, _) in enumerate(layers))¦if not layers:
    return 1
$k, $s = layers[0]
return ($k - 1) + 1 + (receptive_field(layers[1:]) - 1) * $s»
""",
    ],
}

HELPERS = [
    """
def $helper(x, $kh, $kw, $sh, $sw, padding, $fill=0.0):
    if padding == "SAME":
        $t, $bt, $oh = same_padding(x.shape[1], $kh, $sh)
        $l, $r, $ow = same_padding(x.shape[2], $kw, $sw)
        «$xp = np.pad(x, ((0, 0), ($t, $bt), ($l, $r), (0, 0)), constant_values=$fill)
        return $xp, $oh, $ow¦return np.pad(x, [(0, 0), ($t, $bt), ($l, $r), (0, 0)], "constant", constant_values=$fill), $oh, $ow»
    return x, (x.shape[1] - $kh) // $sh + 1, (x.shape[2] - $kw) // $sw + 1
""",
    """
def $helper(x, $kh, $kw, $sh, $sw, padding, $fill=0):
    «$n, $h, $wd, $c = x.shape¦$h, $wd = x.shape[1:3]»
    if padding == "VALID":
        return x, «1 + ($h - $kh) // $sh, 1 + ($wd - $kw) // $sw¦int(($h - $kh) / $sh) + 1, int(($wd - $kw) / $sw) + 1»
    $oh, $ow = «-(-$h // $sh), -(-$wd // $sw)¦int(np.ceil($h / $sh)), int(np.ceil($wd / $sw))»
    $t = max(($oh - 1) * $sh + $kh - $h, 0)
    $l = max(($ow - 1) * $sw + $kw - $wd, 0)
    «$xp = np.full((len(x), $h + $t, $wd + $l, x.shape[3]), $fill, dtype=float)
    $xp[:, $t // 2 : $t // 2 + $h, $l // 2 : $l // 2 + $wd] = x
    return $xp, $oh, $ow¦$xp = np.pad(x, ((0, 0), ($t // 2, $t - $t // 2), ($l // 2, $l - $l // 2), (0, 0)), constant_values=$fill)
    return $xp, $oh, $ow»
""",
    """
def $helper(x, $kh, $kw, $sh, $sw, padding, $fill=0.0):
    $pads = [(0, 0)]
    $sizes = []
    for $h, $k, $s in ((x.shape[1], $kh, $sh), (x.shape[2], $kw, $sw)):
        «$t, $bt, $n = same_padding($h, $k, $s) if padding == "SAME" else (0, 0, ($h - $k) // $s + 1)
        $pads.append(($t, $bt))
        $sizes.append($n)¦if padding == "SAME":
            $t, $bt, $n = same_padding($h, $k, $s)
        else:
            $t, $bt, $n = 0, 0, ($h - $k) // $s + 1
        $pads += [($t, $bt)]
        $sizes += [$n]»
    $pads.append((0, 0))
    return np.pad(x, $pads, constant_values=$fill), «$sizes[0], $sizes[1]¦*$sizes»
""",
]

ESSAY_PARTS = [
    ["A Dense layer connects every unit with every value of its input",
     "In a fully connected layer each neuron has a weight for each input",
     "Dense means that all inputs go into all units",
     "Every neuron of a Dense layer looks at the whole flattened image"],
    ["while a convolution looks at a small window only.",
     "whereas Conv2D slides one small kernel over the image.",
     "but in Conv2D a unit is connected just to its neighbourhood.",
     "in contrast to Conv2D, whose kernels see a few pixels at a time."],
    ["The weights are shared by all positions, so there are far fewer of them.",
     "Since the same kernel is used everywhere it needs fewer parameters.",
     "Weight sharing saves parameters and makes it independent of the image's size.",
     "One kernel serves all places, which also keeps the layout of the picture."],
]  # fmt: skip

NAMES = {
    key: words.split()
    for key, words in {
        "out": "out n_win steps count n_out windows", "all": "total pad needed missing pad_total",
        "left": "before left pad_l first", "right": "after right pad_r", "rest": "rest rem r",
        "n": "n N batch num m", "h": "h H height in_h hh", "wd": "wd W width in_w ww",
        "c": "c C channels ch cin", "f": "f F filters n_f cout", "kh": "kh fh k1 KH ker_h",
        "kw": "kw fw k2 KW ker_w", "sh": "sh s1 stride_h SH", "sw": "sw s2 stride_w SW",
        "t": "t top pt pad_top", "bt": "bottom pb below pad_bottom", "l": "l lef pl pad_left",
        "r": "rr rig pr pad_right", "oh": "oh H_out out_h rows Ho", "ow": "ow W_out out_w cols Wo",
        "xp": "xp padded x_pad xx x_padded", "y": "y out res result output", "i": "i row r0 a",
        "j": "j col c0 bb", "k": "k idx q kk", "win": "window patch win region", "top": "i0 hs up",
        "lft": "j0 ws lo", "part": "part piece sub view", "rows": "rws ri ys", "cols": "cls ci xs",
        "dx": "dx grad_x gx dX", "dw": "dw grad_w gw dW", "db": "db grad_b gb", "a": "p0 ii ys0",
        "e": "q0 jj xs0", "g": "g grad d up_grad", "sl": "sl here where idx2", "s": "s st step",
        "side": "side field rf size_", "gap": "gap dist jump spacing", "fill": "fill value val cval",
        "helper": "pad_input prepare _pad pad_it padding_for extend", "pads": "pads widths margins", "ph": "ph p1 poolh", "pw": "pw p2 poolw",
        "sizes": "sizes outs counts",
    }.items()
}  # fmt: skip

HABITS = [
    (r"range\((\$\w+)\)", r"range(0, \1)"),
    (r"(?m)^( *)(\$\w+) \+= (.+)$", r"\1\2 = \2 + \3"),
    (r"np\.zeros\(\(", "np.zeros(shape=("),
    (r"len\(x\)", "x.shape[0]"),
    (r"max\(((?:[^,()]|\([^()]*\))+), 0\)", r"max(0, \1)"),
    (r"(\$[ij]) \* (\$s[hw]|stride\[[01]\])", r"\2 * \1"),
    (r"(\([^()\n]* - [^()\n]*\) // [^\s,]+) \+ 1", r"1 + \1"),
    (r"(?m)^( *)return ((?:[^,\n]|\([^()\n]*\))+)$", r"\1$y = \2\n\1return $y"),
    (r"axes=3", "axes=([3, 4, 5], [0, 1, 2])"),
    (r'padding == "SAME"', 'padding != "VALID"'),
    (r"x\.shape\[1\]", "np.shape(x)[1]"),
    (r"(\$\w+) // 2\b", r"int(\1 / 2)"),
    (r"np\.zeros\((\$xp\.shape)\)", r"np.zeros_like(\1, dtype=np.float64)"),
]
"""What a person writes one way or the other, wherever it occurs: pattern and replacement."""

COMMENTS = [
    "# shapes first", "# see the formula above", "# TODO: faster?", "# one window", "# as in class",
    "# works!", "# padding", "# output", "# loop over positions", "# gradient", "",
]  # fmt: skip


def honest(seed: int) -> dict[str, str]:
    """One team's cells, by grade id."""
    rng = random.Random(f"team {seed}")
    names = {key: rng.choice(options) for key, options in NAMES.items()}
    helper = _choose(rng.choice(HELPERS), rng)
    habits = [(habit, rng.choice([0.0, 0.0, 0.5, 1.0])) for habit in HABITS]
    cells = {}
    for exercise, ways in WAYS.items():
        body = _choose(rng.choice(ways), rng)
        cells[exercise] = _function(exercise, body)
        if exercise == "conv2d_forward":
            cells[exercise] = _join(rng, cells[exercise], helper)
    cells = {name: _accustomed(text, habits, rng) for name, text in cells.items()}
    cells = {name: _named(text, names) for name, text in cells.items()}
    cells = {name: _commented(text, rng, 0.15) for name, text in cells.items()}
    cells["dense_and_conv2d"] = " ".join(rng.choice(part) for part in ESSAY_PARTS)
    return cells


def copied(cells: dict[str, str], seed: int) -> dict[str, str]:
    """The same work under other names, in another order and layout, and in places rewritten."""
    rng = random.Random(f"copy {seed}")
    changed = {}
    for name, text in cells.items():
        if name in WAYS:
            text = re.sub(r" *#.*", "", text)
            text = _renamed(text, rng)
            functions = re.split(r"(?m)^(?=def )", text)
            functions = [f for f in functions if f.strip()]
            text = "\n\n".join(f.rstrip() for f in reversed(functions)) + "\n"
            text = _relaid(_commented(text, rng, 0.4), rng)
        changed[name] = text
    for name in rng.sample(list(WAYS), 1):  # one exercise of their own
        changed[name] = honest(10_000 + seed)[name]
    changed["dense_and_conv2d"] = honest(20_000 + seed)["dense_and_conv2d"]
    return changed


def notebooks() -> Iterator[tuple[str, NotebookNode]]:
    """(team, notebook): 60 submissions, of which team_51 … team_55 have team_1 … team_5's work."""
    solved = with_solutions(build.source_of(NOTEBOOK))
    for number in range(1, 61):
        original = number - 50 if 51 <= number <= 55 else 0
        cells = copied(honest(original), original) if original else honest(number)
        team = f"team_{number}"
        yield team, filled(solved, cells, team)


def filled(solved: NotebookNode, cells: dict[str, str], team: str) -> NotebookNode:
    """A notebook with these answers; others are as few words as a student may leave."""
    notebook = nbformat.from_dict({**solved, "cells": []})
    for cell in solved.cells:
        given = cell.metadata.get("nbgrader", {})
        source = cell.source.replace("your_id", team)
        if given.get("solution"):
            default = "" if cell.cell_type == "markdown" else "raise NotImplementedError()"
            source = cells.get(given.grade_id, default)
        notebook.cells.append(nbformat.from_dict({**cell, "source": source}))
    return notebook


PLANTED = {(f"team_{n}", f"team_{n + 50}") for n in range(1, 6)}


def _function(exercise: str, body: str) -> str:
    head = {
        "same_padding": "size, kernel, stride",
        "conv2d_forward": "x, w, b, stride, padding",
        "conv2d_backward": "dy, x, w, stride, padding",
        "maxpool_forward": "x, size, stride, padding",
        "conv2d_fast": "x, w, b, stride, padding",
        "maxpool_backward": "dy, x, size, stride, padding",
        "build_deep": "w, b, a",
        "receptive_field": "layers",
    }[exercise]
    lines = [f"    {line}" if line else "" for line in body.strip("\n").split("\n")]
    return f'def {exercise}({head}):\n    """As released."""\n' + "\n".join(lines) + "\n"


def _choose(text: str, rng: random.Random) -> str:
    return re.sub(r"«([^»]*)»", lambda m: rng.choice(m[1].split("¦")), text)


def _accustomed(text: str, habits: list[tuple[tuple[str, str], float]], rng: random.Random) -> str:
    for (pattern, replacement), share in habits:
        text = re.sub(
            pattern,
            lambda m, r=replacement, s=share: m.expand(r) if rng.random() < s else m[0],
            text,
        )
    return text


def _named(text: str, names: dict[str, str]) -> str:
    return re.sub(r"\$(\w+)", lambda m: names[m[1]], text)


def _join(rng: random.Random, text: str, helper: str) -> str:
    first, second = (text, helper) if rng.random() < 0.5 else (helper, text)
    return f"{first.strip()}\n\n\n{second.strip()}\n"


def _commented(text: str, rng: random.Random, share: float) -> str:
    lines = []
    for line in text.split("\n"):
        if line.strip() and rng.random() < share and not line.lstrip().startswith(('"', "def")):
            lines.append(" " * (len(line) - len(line.lstrip())) + rng.choice(COMMENTS))
        lines.append(line)
    return "\n".join(line for line in lines if line.strip() or not lines)


def _renamed(text: str, rng: random.Random) -> str:
    own = {name for options in NAMES.values() for name in options}
    found = sorted({w for w in re.findall(r"(?<![.\w])[A-Za-z_]\w*", text) if w in own})
    others = {
        name: f"{rng.choice(['my', 'tmp', 'cur', 'the'])}_{i}" for i, name in enumerate(found)
    }
    return re.sub(r"(?<![.\w])[A-Za-z_]\w*", lambda m: others.get(m[0], m[0]), text)


def _relaid(text: str, rng: random.Random) -> str:
    """Other spacing, quotes and line breaks; what it means stays."""
    text = text.replace('"SAME"', "'SAME'").replace('"VALID"', "'VALID'").replace("    ", "  ")
    text = re.sub(r" ([*/+@-]|//) ", lambda m: m[1] if rng.random() < 0.7 else m[0], text)
    return re.sub(r", (?=\(0, 0\)\)\))", ",\n      ", text)
