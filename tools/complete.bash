# SPDX-License-Identifier: LGPL-2.1-or-later
# Names of files that begin with $1, a slash behind folders
_multims_files()
{
    local file
    while read -r file; do
        [[ -d $file ]] && file+=/
        printf '%s\n' "$file"
    done < <(compgen -f -- "$1")
}

# Offer the words among $2 that begin with $1
_multims_offer()
{
    mapfile -t COMPREPLY < <(compgen -W "$2" -- "$1")
}

# The parameter whose value is being written: sets key and cur.  bash cuts key=value at the '='.
_multims_find_key()
{
    local prev=${COMP_WORDS[COMP_CWORD - 1]} before=
    ((COMP_CWORD < 2)) || before=${COMP_WORDS[COMP_CWORD - 2]}
    key=
    if [[ $cur == = ]]; then
        key=$prev cur=
    elif [[ $prev == = ]]; then
        key=$before
    elif [[ $cur == *=* ]]; then
        key=${cur%%=*} cur=${cur#*=}
    elif [[ $prev == --?* && " $(_multims_bare "$1") " != *" ${prev#--} "* &&
        $prev != --no-* ]]; then
        key=$prev
    elif [[ $prev == -j ]]; then
        key=workers
    fi
    key=${key#--}
}

_multims()
{
    local cur=${COMP_WORDS[COMP_CWORD]} at=1 verb key values
    COMPREPLY=()
    [[ ${COMP_WORDS[1]} == plan || ${COMP_WORDS[1]} == help ]] && ((COMP_CWORD > 1)) && at=2
    verb=${COMP_WORDS[at]}
    if ((COMP_CWORD == 1)); then
        _multims_offer "$cur" "$(_multims_verbs) $(_multims_commands)"
        return
    elif ((COMP_CWORD == at)); then
        _multims_offer "$cur" "$(_multims_verbs)"
        return
    elif [[ ${COMP_WORDS[1]} == help ]]; then
        return
    elif [[ $verb == tasks ]]; then
        _multims_offer "$cur" --json
        return
    fi
    _multims_find_key "$verb"
    if [[ $key ]]; then
        values=$(_multims_values "$verb:$key")
        if [[ $values ]]; then
            _multims_offer "$cur" "$values"
        else
            mapfile -t COMPREPLY < <(_multims_files "$cur")
        fi
    elif [[ $cur == -* ]]; then
        _multims_offer "$cur" "$(_multims_options "$verb")"
    else
        mapfile -t COMPREPLY < <(compgen -W "$(_multims_keys "$verb")" -- "$cur"
            _multims_files "$cur")
    fi
    [[ ${COMPREPLY[0]} == *[=/] ]] && ((${#COMPREPLY[@]} == 1)) && compopt -o nospace 2>/dev/null
    return 0
}
complete -F _multims multims
