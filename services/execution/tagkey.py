"""The key of our tags' check: whoever has it can make tags that we take for ours."""

from __future__ import annotations

from kitev3.account.secret import read_secret
from kitev3.broker.tags import Tags, key_of_seed
from kitev3.errors import ConfigError
from kitev3.runtime.service import Context
from kitev3.services.execution.config import ExecutionConfig

KEY_CHARS_MIN = 16


def tags_of(context: Context, config: ExecutionConfig) -> Tags:
    """The maker of the account's tags. On kitesim the seed is the key, so that the same run makes the same tags."""
    if context.account.startswith("kitesim-") and not config.tag_key_file:
        return Tags(key_of_seed(context.seed))
    if not config.tag_key_file:
        raise ConfigError(
            "[execution]: tag_key_file: our orders at a broker are known by a key of our own; name its file"
        )
    key = read_secret(config.tag_key_file)
    if len(key) < KEY_CHARS_MIN:
        raise ConfigError(f"{config.tag_key_file}: a key of fewer than {KEY_CHARS_MIN} characters could be guessed")
    return Tags(key.encode())
