// 中文：更正识别错误的文字。

export const correctZh = {
  "correct.block": "更正此处的文字",
  "correct.line": "此行识别为“{text}”",
  "correct.hint": "每行上方是页面原样，下方是识别结果。清空表示此处不是文字。更正随页面内容保存，新版本中同一页同样有效。",
  "correct.save": "保存",
  "correct.read": "原识别为“{text}”",
  "correct.was": "原识别为“{read}”，已更正为“{text}”。",
  "correct.wasNothing": "原识别为“{read}”，已标为非文字。",
  "correct.nothing": "（非文字）",
  "correct.undo": "撤销",
  "correct.undo.named": "撤销更正“{text}”",
  "correct.going": "正在写入更正。完成之前，检索到的仍是旧文字。",
  "correct.failed": "更正未能写入，仍使用旧文字。",
  "correct.list": "本文档的更正",
  "correct.count": "{n} 处更正",
};
