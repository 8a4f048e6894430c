# rl.fish - completion for fish; what there is to offer, `rl __complete` knows

function __rl_complete
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    $words[1] __complete -- $words[2..-1] "$typed" 2>/dev/null | while read -l line
        switch $line
            case ':files'
                __fish_complete_path (string replace -r '^--[^=]*=' '' -- $typed)
            case ':dirs'
                __fish_complete_directories (string replace -r '^--[^=]*=' '' -- $typed)
            case '*'
                echo $line
        end
    end
end

complete -c rl -f -a '(__rl_complete)'
