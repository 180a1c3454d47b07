# SPDX-License-Identifier: LGPL-2.1-or-later
# Offer words, each with what texts, names and texts in turn, say of it; -k: words that a value follows
_multims_offer()
{
    local -A text
    local -a shown options
    local word
    [[ $1 == -k ]] && options=(-S '') && shift
    text=("${texts[@]}")
    for word in "$@"; do
        shown+=("${(r:26:)word} ${text[${${word#--}%=}]}")
    done
    compadd -l "${options[@]}" -d shown -- "$@"
}

# Offer the values of parameter $2 of verb $1, or files
_multims_value()
{
    local -a values
    values=($(_multims_values "$1:$2"))
    if ((${#values})); then
        compadd -- "${values[@]}"
    else
        _files
    fi
}

_multims()
{
    local at=2 verb previous=${words[CURRENT-1]}
    local -a texts
    [[ ${words[2]} == (plan|help) ]] && ((CURRENT > 2)) && at=3
    verb=${words[at]}
    if ((CURRENT == at)); then
        texts=("${_multims_summaries[@]}")
        if ((at == 2)); then
            _multims_offer $(_multims_verbs) $(_multims_commands)
        else
            _multims_offer $(_multims_verbs)
        fi
        return
    elif [[ ${words[2]} == help ]]; then
        return 1
    elif [[ $verb == tasks ]]; then
        compadd -- --json
        return
    fi
    _multims_texts $verb
    if [[ $PREFIX == *=* ]]; then
        local key=${${PREFIX%%=*}#--}
        compset -P '*='
        _multims_value $verb $key
    elif [[ $previous == --?* && $previous != --no-* && $previous != *=* &&
        " $(_multims_bare $verb) " != *" ${previous#--} "* ]]; then
        _multims_value $verb ${previous#--}
    elif [[ $previous == -j ]]; then
        _multims_value $verb workers
    elif [[ $PREFIX == -* ]]; then
        _multims_offer $(_multims_options $verb)
    else
        _multims_offer -k $(_multims_keys $verb)
        _files
    fi
}
if [[ ${funcstack[1]} == _multims ]]; then
    _multims "$@"
fi
