# SPDX-License-Identifier: Apache-2.0
#
# Completion of rota's command line in fish. What there is, rota itself says: see 'rota help complete'.

function __rota_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l option (string match -r -- '^--[^=]*=' $words[-1])
    set -l file (string replace -r -- '^--[^=]*=' '' $words[-1])
    for line in ($words[1] complete -- $words[2..-1] 2>/dev/null)
        switch $line
            case :files
                for path in (__fish_complete_path $file)
                    echo $option$path
                end
            case :programs
                __fish_complete_command
            case '*'
                echo $line
        end
    end
end

complete -c rota -f -a '(__rota_complete)'
