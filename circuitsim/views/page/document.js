// A document: all that it does is to be light or dark.

followTheme(() => {});
