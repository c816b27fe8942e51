"""One construct per capability."""

from infra.node import use_fitting_node

# Importing aws_cdk starts Node, so this must come before the modules of this package do that.
use_fitting_node()
