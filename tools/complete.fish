# SPDX-License-Identifier: LGPL-2.1-or-later
# The words between the program and the one that is being written, without plan and help
function __multims_words
    set -l words (commandline -opc)
    set -e words[1]
    if contains -- "$words[1]" plan help
        set -e words[1]
    end
    printf '%s\n' $words
end

function __multims_wants_verb
    test -z "$(__multims_words)"
end

function __multims_wants_command
    test (count (commandline -opc)) -eq 1
end

# Whether the verb is one of those
function __multims_uses
    set -l words (__multims_words)
    contains -- "$words[1]" $argv
end

# Words key=, or key=value where a key stands there
function __multims_arguments
    set -l words (__multims_words)
    set -l token (commandline -ct)
    if string match -q -- '*=*' $token
        set -l key (string split -m 1 -- = $token)[1]
        for value in (__multims_values "$words[1]:$key")
            echo $key=$value
        end
    else
        __multims_keys $words[1]
    end
end

complete -c multims -n 'not __multims_wants_verb' -a '(__multims_arguments)'
complete -c multims -n __multims_wants_command -l help -d 'Print the list of verbs'
complete -c multims -n __multims_wants_command -l version -d 'Print what it was built with'
complete -c multims -n '__multims_uses tasks' -l json -d 'All parameters as JSON'
