"""Everything that a rehearsal needs before it starts: made once, kept outside the checkout, keyed by what
decides its content.

Modules, each using only those before it:
  errors, store, progress, steps     the cache, what is shown, the order of the work
  debian, modules, toolchain, pause  the host's packages and the programs that are built
  aws_provider                       Pulumi's own in place of the stand-in, where it is installed
  base_image, oci, container_images  the machines' root filesystem and the images that they pull
  artifacts                          the mirror of what they download, and its bill of materials
  download, publishers               the same programs and files as their publishers have them
  pulled_images                      and the images
  way, sources                       which of the two it is, and the steps in which they differ
  wine_prefix                        what Windows programs run on where there is no Windows
  registry                           serves the images (used by the room)
  catalogue                          all steps together
  later                              the Windows half, made beside the first cluster

    python -m rehearsal.build     shows what is there and makes what is missing
"""

from rehearsal.build.catalogue import Supplies, ensure, ensure_programs, is_missing
from rehearsal.build.errors import SuppliesError

__all__ = ["Supplies", "SuppliesError", "ensure", "ensure_programs", "is_missing"]
