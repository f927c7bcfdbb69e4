# SPDX-License-Identifier: Apache-2.0
# zsh_complete.zsh SCRIPT LINE: loads SCRIPT into an interactive zsh, types LINE, Tab and Enter, and prints the words that
# seccompd was then called with.
zmodload zsh/zpty
zpty inner zsh -f -i
zpty -w inner "PS1=; autoload -U compinit; compinit -u -D; seccompd() { print -r -- \"r\"\"an:<\$*>\" }; source $1; echo read''y"
zpty -r inner out "*ready*"
zpty -w inner "$2"$'\t'
zpty -r inner out "*ran:<*>*"
out=${out##*ran:<}
print -r -- "${out%%>*}"
