// English, for correcting what was misread.

export const correctEn = {
  "correct.block": "Correct what was read here",
  "correct.line": "Line read as “{text}”",
  "correct.hint": "Each line as the page shows it, and what was read. Empty: it is no text. A correction holds for this page wherever it is, also in new versions.",
  "correct.save": "Save",
  "correct.read": "Read as “{text}”",
  "correct.was": "Read as “{read}”, corrected to “{text}”.",
  "correct.wasNothing": "Read as “{read}”, which is no text.",
  "correct.nothing": "(no text)",
  "correct.undo": "Undo",
  "correct.undo.named": "Undo the correction “{text}”",
  "correct.going": "The correction is being put in. Until then the old text is searched.",
  "correct.failed": "The correction could not be put in; the old text stays.",
  "correct.list": "Corrections of this document",
  "correct.count": "{n} correction|{n} corrections",
};
